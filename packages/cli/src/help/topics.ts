import { SETTING_NAMES, SETTING_VARIABLES } from '../config/index.ts'
import { EXIT_MEANINGS } from '../framework/index.ts'
import { ROOMS_TOPIC } from './rooms.ts'
import { TRAINING_TOPIC } from './training.ts'

/** Texts of `sotto help TOPIC`. */
export const HELP_TOPICS: Readonly<Record<string, () => string>> = {
  environment: () => `Environment variables

${table(SETTING_NAMES.map((name) => [SETTING_VARIABLES[name], `setting ${name}`]))}
${table([
  ['SOTTO_API_KEY', 'secret that clients of sotto proxy must present'],
  ['SOTTO_CONFIG_DIR', 'directory of config.json and of the state, instead of the XDG directories'],
  ['SOTTO_OWNER', 'owner key of sotto models, and key of a party in sotto room (PEM)'],
  ['SOTTO_ROOM', 'clean room that sotto room commands are about, where there are several'],
  ['SOTTO_HUB', 'hub that sotto models pull asks (default https://huggingface.co)'],
  ['HF_TOKEN', 'token for models the hub does not give to everybody'],
  ['XDG_DATA_HOME', 'parent of sotto/models, where pulled models lie (default ~/.local/share)'],
  ['XDG_CACHE_HOME', 'parent of sotto/collateral, what vendors answered (default ~/.cache)'],
  ['XDG_CONFIG_HOME', 'parent of sotto/config.json (default ~/.config)'],
  [
    'XDG_STATE_HOME',
    'parent of sotto/, where the newest checkpoints and collateral seen are kept (default ~/.local/state)',
  ],
  ['NO_COLOR', 'no colours when not empty'],
  ['CLICOLOR_FORCE', 'colours also when the output is not a terminal, unless 0'],
])}

A flag wins over a variable, a variable over ./sotto.json, that over config.json in the
configuration directory, that over a local stack started here by sotto up.
`,
  'exit-codes': () => `Exit codes

${table(EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning]))}
`,
  formatting: () => `Formatting

Results go to standard output and nothing else does. Progress, questions, warnings and errors go
to standard error, so a pipe holds data only.

  --json       one JSON document on standard output (one per line where results stream);
               a failure is one line {"error":{code,action,message,hint}} on standard error,
               with service:{status,code,param} where it is the service's own answer;
               help and completions print text all the same
  --quiet      errors and warnings only; a software TEE is always announced
  --no-color   no colours; so does NO_COLOR=1

A failure is error: MESSAGE [CODE], mostly with a hint: line; where it is the service's own
answer, its code stands behind ours. The codes are listed in docs/errors.md.

Progress is a bar on a terminal, elsewhere one line for every 10 %.
`,
  rooms: () => ROOMS_TOPIC,
  training: () => TRAINING_TOPIC,
}

function table(rows: readonly (readonly [left: string, right: string])[]): string {
  const width = Math.max(24, ...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}
