import type { CommandContext } from './context.ts'

/** A flag as data: the parser, `--help` and the shell completions all derive from it. */
export type FlagSpec =
  | { type: 'boolean'; short?: string; summary: string }
  | {
      type: 'string'
      short?: string
      /** Name of the value in help: `FILE`, `URL`, `CODE`. `FILE` completes to file names. */
      value: string
      summary: string
      choices?: readonly string[]
      /** May be given several times; the handler gets a list. */
      repeats?: true
    }
  | {
      type: 'number'
      short?: string
      value: string
      summary: string
      min: number
      max: number
      integer?: boolean
    }
  | {
      /** Bytes, written as people do: `512MB`, `1GiB`. */
      type: 'size'
      short?: string
      value: string
      summary: string
      min: number
      max: number
    }

/** Flags by long name without dashes (`response-format`). */
export type FlagSpecs = Readonly<Record<string, FlagSpec>>

type FlagValue<Spec extends FlagSpec> = Spec extends { type: 'boolean' }
  ? boolean
  : Spec extends { type: 'number' | 'size' }
    ? number | undefined
    : Spec extends { repeats: true }
      ? readonly string[] | undefined
      : Spec extends { choices: readonly (infer Choice)[] }
        ? Choice | undefined
        : string | undefined

/** What a handler receives: booleans are false when absent, all others undefined. */
export type FlagValues<Specs extends FlagSpecs> = { readonly [Name in keyof Specs]: FlagValue<Specs[Name]> }

/** A positional argument. Only the last one may be variadic. */
export interface ArgumentSpec {
  /** Upper case, as help shows it. `FILE` arguments accept `-` for standard input and complete to files. */
  name: string
  summary: string
  required: boolean
  variadic?: boolean
  /** What the shell completions offer; the command itself says no to anything else. */
  choices?: readonly string[]
}

/** A command as data. See {@link defineCommand}. */
export interface CommandSpec<Flags extends FlagSpecs> {
  /** `['receipt', 'verify']` is `sotto receipt verify`. */
  path: readonly string[]
  /** One line, imperative, no full stop. */
  summary: string
  /** Further paragraphs for `--help`. */
  description?: string
  arguments?: readonly ArgumentSpec[]
  flags: Flags
  /** Whole command lines, shown last in `--help`. */
  examples?: readonly string[]
  /** @returns the exit code; nothing means 0. Throw a SottoError for everything else. */
  run(context: CommandContext, args: readonly string[], flags: FlagValues<Flags>): Promise<number | void>
}

/** A command of any flags, as lists hold them. */
export interface Command extends Omit<CommandSpec<FlagSpecs>, 'run'> {
  run(context: CommandContext, args: readonly string[], flags: never): Promise<number | void>
}

/**
 * Declares a command; infers the types of its flag values from the data.
 *
 * @example
 * export const greet: Command = defineCommand({
 *   path: ['greet'],
 *   summary: 'Greet somebody',
 *   arguments: [{ name: 'NAME', summary: 'whom', required: true }],
 *   flags: { loud: { type: 'boolean', summary: 'in capitals' } },
 *   async run(context, [name], flags) {
 *     context.out(flags.loud ? `HELLO ${name}` : `Hello ${name}`)
 *   },
 * })
 */
export function defineCommand<const Flags extends FlagSpecs>(spec: CommandSpec<Flags>): Command {
  return spec
}
