import { type NotifySettings, noNotifySettings } from '../host/channel-settings.ts';
import { plainError } from '../host/plain-error.ts';

/** Where the settings come from. */
export type NotifySource = {
  settings: NotifySettings;
  /** Reads them again. @throws Error that says which does not fit */
  reread: () => NotifySettings;
};
export const noNotifySource: NotifySource = {
  settings: noNotifySettings,
  reread: () => noNotifySettings,
};

/** The settings that hold: those that were read last and fit. */
/** @param url where the service listens: what links begin with while nobody says otherwise */
export const createNotifySettings = (source: NotifySource, url: () => string | null) => {
  let settings = source.settings;
  let problem: string | null = null;
  return {
    now: (): NotifySettings => settings,
    problem: (): string | null => problem,
    base: (): string | null => settings.publicUrl ?? url(),
    /** @returns what does not fit; the others stay in force then */
    reread: (): string | null => {
      try {
        settings = source.reread();
        problem = null;
      } catch (error) {
        problem = plainError(error);
      }
      return problem;
    },
  };
};
export type CurrentSettings = ReturnType<typeof createNotifySettings>;
