import { type Command, exits, Usage } from '../command.ts';

export const whyCommands: Record<string, Command> = {
  why: {
    usage: 'pipeline [--at time]',
    help: 'why it did what it did at a time, or nothing: 17:30, "yesterday 17:30", 2026-11-24T17:30, on the clocks of the pipeline; without --at: now',
    options: ['at', 'json'],
    maxArgs: 1,
    run: async ({ api, args: [name], values, out }) => {
      if (name === undefined) throw new Usage('why: name a pipeline');
      const answer = await api.ask('GET /api/pipelines/{name}/why', {
        path: { name },
        query: { at: values.at },
      });
      if (values.json) {
        out.json(answer);
        return exits.done;
      }
      const { read_as, facts, todo } = answer;
      out.line(out.paint('grey', `${name}, ${read_as}`));
      for (const [index, { text }] of facts.entries())
        out.line(index === 0 ? text : `  also: ${text}`);
      if (facts.length === 0) out.line(answer.answer);
      for (const one of todo) out.line(out.paint('blue', `  → ${one}`));
      return exits.done;
    },
  },
};
