import { Argument, Command as Commander, Option } from 'commander'
import type { GlobalFlags } from './context.ts'
import { parseNumberFlag } from './number-flag.ts'
import { parseSizeFlag } from './size-flag.ts'
import type { ArgumentSpec, Command, FlagSpec } from './spec.ts'

/** What the command line asked for, before anything ran. */
export interface Invocation {
  command: Command
  args: readonly string[]
  flags: Readonly<Record<string, unknown>>
  global: GlobalFlags
}

/** Flags every command has. Also the source for completions. */
export const GLOBAL_FLAGS: readonly (readonly [flags: string, summary: string])[] = [
  ['--json', 'print results as JSON'],
  ['-q, --quiet', 'print errors and warnings only'],
  ['-v, --verbose', 'say more on standard error'],
  ['--no-color', 'no colours'],
  ['--config <FILE>', 'configuration file to use instead of the ones found'],
  ['-y, --yes', 'do not ask, assume yes'],
]

const TAGLINE = 'AI on words nobody else may read, and the proof that nobody could.'

/**
 * Builds the parser of these commands. It never prints nor exits by itself: `write` receives help
 * and `found` the parsed command; errors arrive as `CommanderError`.
 */
export function createProgram(
  commands: readonly Command[],
  version: string,
  write: (text: string) => void,
  found: (invocation: Invocation) => void,
): Commander {
  const program = new Commander('sotto')
  program
    .description(TAGLINE)
    .version(version, '--version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', '\nHelp topics: sotto help environment | exit-codes | formatting | rooms')
  for (const [flags, summary] of GLOBAL_FLAGS) program.option(flags, summary)
  configure(program, write)
  for (const command of commands) addCommand(program, command, write, found)
  for (const group of program.commands) summariseGroup(group)
  return program
}

/** What a group is for is said best by what is in it, unless it does something by itself. */
function summariseGroup(group: Commander): void {
  if (group.commands.length === 0) return
  group.commands.forEach(summariseGroup)
  if (group.summary() !== '') return
  group.summary(`Commands: ${group.commands.map((one) => one.name()).join(', ')}`)
}

function addCommand(
  program: Commander,
  command: Command,
  write: (text: string) => void,
  found: (invocation: Invocation) => void,
): void {
  let parent = program
  for (const name of command.path.slice(0, -1)) {
    const group = parent.commands.find((candidate) => candidate.name() === name)
    parent = group ?? configure(parent.command(name).helpCommand(false), write)
  }
  const node = configure(parent.command(command.path.at(-1)!).helpCommand(false), write)
  node
    .summary(command.summary)
    .description([command.summary, command.description].filter(Boolean).join('\n\n'))
  for (const spec of command.arguments ?? []) node.addArgument(toArgument(spec))
  for (const [name, spec] of Object.entries(command.flags)) node.addOption(toOption(name, spec))
  if (command.examples?.length) {
    node.addHelpText('after', `\nExamples:\n${command.examples.map((line) => `  $ ${line}`).join('\n')}`)
  }
  node.action((...received: unknown[]) => {
    const values = received.slice(0, command.arguments?.length ?? 0).flat()
    found({
      command,
      args: values.filter((value): value is string => typeof value === 'string'),
      flags: flagValues(command, optionsOf(node, program)),
      global: globalFlags(program.opts()),
    })
  })
}

function configure(node: Commander, write: (text: string) => void): Commander {
  return node
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({ writeOut: write, writeErr: () => {}, outputError: () => {} })
    .configureHelp({ showGlobalOptions: true, visibleGlobalOptions: optionsOfProgram })
    .helpOption('-h, --help', 'show help')
}

/** What every command takes; those of a command above are its own. */
function optionsOfProgram(command: Commander): Option[] {
  let root = command
  while (root.parent !== null) root = root.parent
  return root === command ? [] : [...root.options]
}

function toArgument(spec: ArgumentSpec): Argument {
  const name = spec.variadic ? `${spec.name}...` : spec.name
  return new Argument(spec.required ? `<${name}>` : `[${name}]`, spec.summary)
}

function toOption(name: string, spec: FlagSpec): Option {
  const long = spec.short === undefined ? `--${name}` : `-${spec.short}, --${name}`
  if (spec.type === 'boolean') return new Option(long, spec.summary)
  const option = new Option(`${long} <${spec.value}>`, spec.summary)
  if (spec.type === 'number') return option.argParser((text: string) => parseNumberFlag(name, spec, text))
  if (spec.type === 'size') return option.argParser((text: string) => parseSizeFlag(name, spec, text))
  if (spec.repeats) return option.argParser((text: string, before?: string[]) => [...(before ?? []), text])
  return spec.choices === undefined ? option : option.choices(spec.choices)
}

/**
 * Options of a command. One above it that does something by itself takes what both know, wherever it stands, so a name means the same in both.
 * @throws `CommanderError` for what only the one above knows
 */
function optionsOf(node: Commander, program: Commander): Record<string, unknown> {
  const values = { ...node.opts() }
  for (let above = node.parent; above !== null && above !== program; above = above.parent)
    for (const option of above.options) {
      const name = option.attributeName()
      if (above.getOptionValueSource(name) !== 'cli') continue
      if (!node.options.some(({ long }) => long === option.long))
        node.error(`error: unknown option '${option.long}'`, { code: 'commander.unknownOption' })
      values[name] ??= above.getOptionValue(name)
    }
  return values
}

/** Commander names options in camelCase; handlers see the names as declared. */
function flagValues(command: Command, opts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(command.flags)) {
    const value = opts[name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())]
    values[name] = spec.type === 'boolean' ? value === true : value
  }
  return values
}

function globalFlags(opts: Readonly<Record<string, unknown>>): GlobalFlags {
  return {
    json: opts['json'] === true,
    quiet: opts['quiet'] === true,
    verbose: opts['verbose'] === true,
    color: opts['color'] !== false,
    config: typeof opts['config'] === 'string' ? opts['config'] : undefined,
    yes: opts['yes'] === true,
  }
}
