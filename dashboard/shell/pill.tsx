import { useLive, useNow } from '../live/use-live.ts';

export const Pill = () => {
  const { state } = useLive(({ connection }) => connection);
  const now = useNow();
  return (
    <span role="status">
      {state} {now === null ? '–' : new Date(now).toISOString().slice(11, 19)}
    </span>
  );
};
