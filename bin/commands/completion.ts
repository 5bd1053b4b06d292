import { type Command, exits, optionTypes, Usage } from '../command.ts';

type Words = { name: string; options: readonly string[] }[];

/** What a shell sources; the words come from the table of commands, so they cannot disagree. */
const scripts: Record<string, (words: Words) => string> = {
  bash: (words) => `_stagewright() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${words.map(({ name }) => name).join(' ')}" -- "$word")); return; fi
  case "\${COMP_WORDS[1]}" in
${words.map(({ name, options }) => `    ${name}) COMPREPLY=($(compgen -W "${options.join(' ')}" -- "$word")) ;;`).join('\n')}
  esac
}
complete -o default -F _stagewright stagewright
`,
  zsh: (words) => `#compdef stagewright
_stagewright() {
  if (( CURRENT == 2 )); then compadd ${words.map(({ name }) => name).join(' ')}; return; fi
  case $words[2] in
${words.map(({ name, options }) => `    ${name}) compadd -- ${options.join(' ')} ;;`).join('\n')}
  esac
}
compdef _stagewright stagewright
`,
  fish: (words) =>
    words
      .flatMap(({ name, options }) => [
        `complete -c stagewright -n __fish_use_subcommand -f -a ${name}`,
        ...options.map(
          (option) =>
            `complete -c stagewright -n '__fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`,
        ),
      ])
      .join('\n')
      .concat('\n'),
};

export const completionOf = (commands: Record<string, Command>): Command => ({
  usage: 'bash | zsh | fish',
  help: 'a completion script for the shell, to stdout',
  options: [],
  maxArgs: 1,
  run: async ({ args: [shell = ''], out }) => {
    const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
    if (!script) throw new Usage(`completion ${shell}: expected bash, zsh or fish`);
    const words = Object.entries(commands).map(([name, { options }]) => ({
      name,
      options: Object.keys(optionTypes)
        .filter((option) => option === 'url' || options.includes(option as never))
        .map((option) => `--${option}`),
    }));
    out.write(
      'stdout',
      script([...words, { name: 'serve', options: [] }, { name: 'help', options: [] }]),
    );
    return exits.done;
  },
});
