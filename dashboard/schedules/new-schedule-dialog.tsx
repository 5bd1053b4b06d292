import { useState } from 'react';
import { useDesk } from '../desk/desk.tsx';
import { api, queries } from '../service-api.ts';
import type { Param } from '../start/start-params.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Field } from '../ui/field.tsx';
import { Loading } from '../ui/loading.tsx';
import { NoPipeline } from '../ui/no-pipeline.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { type PipelineFacts, usePipeline, usePipelines } from '../use-reads.ts';
import { creationOf, type Fields, newDraft } from './draft.ts';
import { ScheduleForm } from './schedule-form.tsx';

/** The name of the pipeline, or that with the first number that is free. */
const freeId = (pipeline: string, taken: readonly string[]): string => {
  const ids = [pipeline, ...taken.map((_, index) => `${pipeline.slice(0, 36)}-${index + 2}`)];
  return ids.find((id) => !taken.includes(id)) ?? pipeline;
};

const Form = ({
  facts,
  taken,
  onClose,
}: {
  facts: PipelineFacts;
  taken: readonly string[];
  onClose: () => void;
}) => {
  const { say } = useDesk();
  const [id, setId] = useState(() => freeId(facts.name, taken));
  const timezone = usePipeline(facts.name).data?.definition.timezone;
  if (timezone === undefined) return <Loading what="the pipeline" />;
  const create = async (fields: Fields): Promise<void> => {
    const made = await api.ask('POST /api/schedules', {
      body: { id: id.trim(), pipeline: facts.name, ...fields },
    });
    await queries.invalidateQueries({ queryKey: ['schedules'] });
    say({
      tone: 'ok',
      title: `Schedule ${made.id} created`,
      detail: `It starts ${facts.title} from now on.`,
    });
  };
  return (
    <ScheduleForm
      before={newDraft(timezone)}
      likely={timezone}
      params={facts.params as Record<string, Param>}
      given={{}}
      fieldsOf={(draft) => creationOf(draft, timezone)}
      whose={{ pipeline: facts.name }}
      save={create}
      word="Create"
      head={(fault) => (
        <Field
          label="Name"
          hint="Unique in this service: letters, digits and hyphens."
          error={fault}
        >
          {(control) => (
            <input
              {...control}
              type="text"
              className="mono"
              autoComplete="off"
              spellCheck={false}
              required
              maxLength={40}
              value={id}
              onChange={({ target }) => setId(target.value)}
            />
          )}
        </Field>
      )}
      onClose={onClose}
    />
  );
};

/** Makes a schedule of a pipeline, with its next times before it is made. */
export const NewScheduleDialog = ({
  taken,
  onClose,
}: {
  taken: readonly string[];
  onClose: () => void;
}) => {
  const { data, error, refetch } = usePipelines();
  const [chosen, setChosen] = useState<string | null>(null);
  const items = data?.items ?? [];
  const facts =
    items.find(({ name }) => name === chosen) ?? items.find((item) => item.default) ?? items[0];
  return (
    <Dialog title="New schedule" onClose={onClose} className="wide">
      {error && <ProblemCard error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading what="the pipelines" />}
      {data && !facts && <NoPipeline />}
      {facts && (
        <div className="form">
          <Field label="Pipeline">
            {(control) => (
              <select
                {...control}
                data-first
                value={facts.name}
                onChange={({ target }) => setChosen(target.value)}
              >
                {items.map(({ name, title }) => (
                  <option key={name} value={name}>
                    {title}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Form key={facts.name} facts={facts} taken={taken} onClose={onClose} />
        </div>
      )}
    </Dialog>
  );
};
