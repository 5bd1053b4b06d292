import { createSimulations } from '../../../services/simulate/simulations.ts';
import { pipeline, retries, stage } from '../../support/definition.ts';

const day = 24 * 3600 * 1000;
const patient = pipeline([
  stage('one', {
    timeoutMs: 60_000,
    retry: { ...retries(100).retry, initialMs: day, factor: 1, maxMs: day, jitter: 0 },
  }),
]);
const { simulate } = createSimulations({
  lookup: { requirePipeline: () => ({ definition: patient }) as never },
});
const asked = {
  script: [{ what: 'fail', stage: 'one', times: 100, code: 'exit-code' } as const],
  seed: null,
  runs: 1,
};

test('a simulation that would hold the service is ended by name, and the next one has its turn', async () => {
  const long = simulate('sample', asked, new AbortController().signal);
  await expect(long).rejects.toMatchObject({ code: 'simulation-too-long' });
  const short = { ...asked, script: [] };
  const { story } = await simulate('sample', short, new AbortController().signal);
  expect(story.state).toBe('DONE');
});

test('whoever has left is not worked for', async () => {
  const gone = AbortSignal.abort();
  await expect(simulate('sample', asked, gone)).rejects.toMatchObject({
    code: 'simulation-too-long',
  });
});
