import type { Operations } from '../../client/operations.ts';
import { useDesk } from '../desk/desk.tsx';
import { api, queries } from '../service-api.ts';
import type { Param } from '../start/start-params.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { At } from '../ui/time-text.tsx';
import { type Schedule, usePipeline } from '../use-reads.ts';
import { changesOf, draftOf } from './draft.ts';
import { ScheduleForm } from './schedule-form.tsx';

type Changes = Operations['PATCH /api/schedules/{id}']['body'];

const InFile = ({ value }: { value: unknown }) =>
  value === null ? (
    'the file does not say'
  ) : (
    <>
      the file says <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
    </>
  );

/**
 * Where a schedule stands that the page cannot remove, what wins over its file by now, and the way
 * back.
 */
const InItsFile = ({
  schedule,
  file,
  onRevert,
}: {
  schedule: Schedule;
  file: string;
  onRevert: () => void;
}) => {
  const { overrides } = schedule;
  return (
    <div className="in-file">
      <p className="hint">
        This schedule stands in <code>{file}</code>. What you change here wins until the file
        changes the same field; remove it there, or switch it off here.
      </p>
      {overrides.length > 0 && (
        <>
          <ul className="hint">
            {overrides.map(({ field, in_file, by, at }) => (
              <li key={field}>
                <code>{field}</code>: changed by {by}, <At iso={at} as="relative" />;{' '}
                <InFile value={in_file} />
              </li>
            ))}
          </ul>
          <button type="button" className="button" onClick={onRevert}>
            <Icon name="retry" />
            Back to the file
          </button>
        </>
      )}
    </div>
  );
};

type Props = { schedule: Schedule; onClose: () => void; onDelete: () => void };

/**
 * Changes when a schedule is due. What is saved is only what was changed, and only if nobody else
 * changed it meanwhile.
 */
export const ScheduleDialog = ({ schedule, onClose, onDelete }: Props) => {
  const { say } = useDesk();
  const { data: pipeline, error } = usePipeline(schedule.pipeline);
  const { id, version, overrides } = schedule;
  const before = draftOf(schedule);
  const patch = async (body: Changes): Promise<void> => {
    await api.ask('PATCH /api/schedules/{id}', {
      path: { id },
      body,
      headers: { 'If-Match': `"${version}"` },
    });
    await queries.invalidateQueries({ queryKey: ['schedules'] });
    say({
      tone: 'ok',
      title: `Schedule ${id} updated`,
      detail: 'The change takes effect immediately.',
    });
  };
  const revert = (): void => {
    const fields = overrides.map(({ field }) => field) as NonNullable<Changes['revert']>;
    patch({ revert: fields }).then(onClose, (error: unknown) =>
      say({ tone: 'bad', title: id, error }),
    );
  };
  // It opens when its fields are there, so that the first of them gets the focus. A pipeline that
  // is gone has no parameters.
  if (!pipeline && !error) return null;
  return (
    <Dialog title={`Schedule ${id}`} onClose={onClose} className="wide">
      <ScheduleForm
        before={before}
        onClose={onClose}
        likely={pipeline?.definition.timezone ?? schedule.timezone}
        params={(pipeline?.params ?? {}) as Record<string, Param>}
        given={schedule.params}
        fieldsOf={(draft) => changesOf(draft, before)}
        whose={{ id }}
        save={patch}
        word="Save"
        aside={
          schedule.source === 'api' && (
            <button type="button" className="button quiet push" onClick={onDelete}>
              Delete…
            </button>
          )
        }
      >
        {schedule.source === 'file' && (
          <InItsFile
            schedule={schedule}
            file={pipeline?.file ?? 'the file of its pipeline'}
            onRevert={revert}
          />
        )}
      </ScheduleForm>
    </Dialog>
  );
};
