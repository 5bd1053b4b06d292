import { type NotifySettings, noNotifySettings } from '../host/channel-settings.ts';
import { plainError } from '../host/plain-error.ts';

/** Where the settings come from. */
export type NotifySource = {
  settings: NotifySettings;
  /** Reads them again. @throws Error that says which does not fit */
  reread: () => NotifySettings;
  /** Where the service listens: what links begin with while nobody says how it is seen from outside. */
  url: () => string | null;
};
export const noNotifySource: NotifySource = {
  settings: noNotifySettings,
  reread: () => noNotifySettings,
  url: () => null,
};

/** The settings that hold: those that were read last and fit. */
export const createNotifySettings = (source: NotifySource) => {
  let settings = source.settings;
  let problem: string | null = null;
  return {
    now: (): NotifySettings => settings,
    problem: (): string | null => problem,
    base: (): string | null => settings.publicUrl ?? source.url(),
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
