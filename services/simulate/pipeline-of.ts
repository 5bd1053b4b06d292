import { basename, dirname, resolve } from 'node:path';
import type { PipelineDefinition } from '../../definition/definition.ts';
import { suggest } from '../../definition/suggest.ts';
import { loadPipelines } from '../pipelines/pipelines.ts';
import { BadScript } from './script-flags.ts';

/** A pipeline file, or the name of a pipeline of a folder. @throws BadScript when it is neither */
export const pipelineOf = async (given: string, folder: string): Promise<PipelineDefinition> => {
  const isFile = /\.(ya?ml|json)$/.test(given);
  const path = resolve(given);
  const { pipelines, problems } = await loadPipelines(isFile ? dirname(path) : resolve(folder));
  const all = [...pipelines.values()];
  const found = all.find(({ file, definition }) =>
    isFile ? file === basename(path) : definition.name === given,
  );
  if (found) return found.definition;
  const problem = isFile
    ? problems.find(({ file }) => file === basename(path))
    : all.length === 0
      ? problems[0]
      : undefined;
  if (problem) {
    const { file, line, pointer, detail } = problem;
    throw new BadScript(
      `${file}${line ? `:${line}` : ''}: ${pointer ? `${pointer}: ` : ''}${detail}`,
    );
  }
  if (isFile) throw new BadScript(`there is no ${given}`);
  const nearest = suggest(given, [...pipelines.keys()]);
  throw new BadScript(
    `there is no pipeline ${given} in ${folder}${nearest ? `; did you mean ${nearest}?` : ''}`,
  );
};
