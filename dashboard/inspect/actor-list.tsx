import { StateGlyph } from '../ui/state-mark.tsx';
import type { StateLook } from '../ui/state-words.ts';
import { At } from '../ui/time-text.tsx';
import { standing } from './frame-words.ts';
import type { Inspected } from './inspected-frame.ts';
import { type KnownActor, snapshotAt } from './known-actors.ts';
import type { Inspection } from './use-inspection.ts';

const looks: Record<string, StateLook> = {
  active: { tone: 'run', glyph: 'running', word: 'active' },
  done: { tone: 'ok', glyph: 'done', word: 'done' },
  error: { tone: 'bad', glyph: 'failed', word: 'failed' },
  stopped: { tone: 'stop', glyph: 'stopped', word: 'stopped' },
};
/** XState calls every end done; how a run ended is its last state. */
const ends: Record<string, StateLook | undefined> = {
  failed: looks['error'],
  stopped: looks['stopped'],
};
const lookOf = (frame: Inspected | undefined): StateLook | undefined => {
  const look = looks[frame?.status ?? 'active'] ?? looks['active'];
  return frame?.status === 'done' ? (ends[standing(frame)] ?? look) : look;
};
const before: StateLook = { tone: 'none', glyph: 'pending', word: 'not begun' };

type RowProps = {
  actor: KnownActor;
  inspection: Inspection;
  /** Later attempts of the same name that are not shown. */
  isShown: boolean;
  onShow: (name: string | null) => void;
};

const Row = ({ actor, inspection, isShown, onShow }: RowProps) => {
  const { frames, upTo } = inspection;
  const place = snapshotAt(actor, upTo);
  const frame = place === null ? undefined : frames[place];
  const isBegun = actor.first <= upTo;
  const look = isBegun ? lookOf(frame) : before;
  return (
    <li>
      <button
        type="button"
        className="actor"
        aria-pressed={isShown}
        data-later={!isBegun || undefined}
        style={{ paddingInlineStart: `${0.5 + Math.min(actor.depth, 6)}rem` }}
        onClick={() => onShow(isShown ? null : actor.name)}
      >
        {look && <StateGlyph look={look} size={14} />}
        <span className="actor-name">{actor.name}</span>
        <span className="actor-state">
          {isBegun ? (frame ? standing(frame) : 'no snapshot yet') : look?.word}
        </span>
        <span className="actor-since muted">
          since <At iso={new Date(actor.since).toISOString()} /> ·{' '}
          <code title={actor.id}>{actor.id.slice(actor.id.lastIndexOf('/') + 1)}</code>
        </span>
      </button>
    </li>
  );
};

const most = 40;

/** Who takes part: each actor with its state at the chosen step. Pressed, it filters. */
export const ActorList = ({
  inspection,
  shown,
  onShow,
}: {
  inspection: Inspection;
  shown: string | null;
  onShow: (name: string | null) => void;
}) => {
  const { actors } = inspection;
  // After many attempts the newest are what is looked for; the run itself stays.
  const cut = actors.length > most ? [...actors.slice(0, 1), ...actors.slice(1 - most)] : actors;
  return (
    <section className="inspect-actors" aria-label="Actors">
      <div className="inspect-actors-box">
        <h2>
          Actors <span className="muted figure">{actors.length}</span>
        </h2>
        {cut.length < actors.length && (
          <p className="muted small">The newest {cut.length} of them.</p>
        )}
        <ul>
          {cut.map((actor) => (
            <Row
              key={actor.id}
              actor={actor}
              inspection={inspection}
              isShown={actor.name === shown}
              onShow={onShow}
            />
          ))}
        </ul>
      </div>
    </section>
  );
};
