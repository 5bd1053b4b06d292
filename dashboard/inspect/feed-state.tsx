import { connectionWord } from '../ui/connection-words.ts';
import { plural } from '../ui/state-words.ts';
import type { Feed } from './kept-frames.ts';

/** How the feed stands: a run that is over was told whole; one that lives is followed. */
export const FeedState = ({ feed, onRetry }: { feed: Feed; onRetry: () => void }) => {
  const { connection, isOver, frames, dropped } = feed;
  const isBroken = connection.state === 'reconnecting' || connection.state === 'offline';
  return (
    <span className="feed-state" data-state={isOver ? 'over' : connection.state}>
      <span role="status">
        {isOver ? 'Whole' : `Feed: ${connectionWord(connection).toLowerCase()}`}
      </span>
      <span className="muted figure">{plural(frames.length, 'frame')}</span>
      {dropped > 0 && (
        <span className="muted">the first {dropped.toLocaleString()} are not kept</span>
      )}
      {isBroken && !isOver && (
        <button type="button" className="link" onClick={onRetry}>
          Retry now
        </button>
      )}
    </span>
  );
};
