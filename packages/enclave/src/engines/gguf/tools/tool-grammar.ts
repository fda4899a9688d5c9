import { engineError } from '../../errors.ts'
import type { ToolChoice, ToolDefinition } from '../../types.ts'
import type { SchemaBudget } from '../../json-schema/budget.ts'
import { GrammarWriter } from '../schema/gbnf.ts'
import { parseSchema } from '../schema/parse.ts'
import type { ParsedSchema } from '../schema/shape.ts'
import type { ToolSyntax } from './syntax.ts'

const MAX_TOOLS = 128
/** Calls of one answer at most. */
const MAX_CALLS = 32
const NO_ARGUMENTS = { type: 'object', properties: {}, additionalProperties: false }

/** What of a request decides which calls an answer may hold. */
export interface ToolRules {
  readonly tools: readonly ToolDefinition[]
  readonly choice: Exclude<ToolChoice, 'none'>
  readonly isParallel: boolean
  /** Of all schemas of the request. */
  readonly budget: SchemaBudget
}

/**
 * The rule of an answer with calls. With choice `auto` it may also be `content` (a rule), or without that rule any
 * text, in which nothing looks like a call that is none. @throws `ENGINE_INPUT`, `ENGINE_UNSUPPORTED`
 */
export function toolRule(
  writer: GrammarWriter,
  syntax: ToolSyntax,
  rules: ToolRules,
  content: string | undefined,
): string {
  const { choice, isParallel, budget } = rules
  const isNamed = typeof choice === 'object'
  const offered = isNamed ? rules.tools.filter(({ name }) => name === choice.name) : rules.tools
  if (offered.length === 0) throw engineError('ENGINE_INPUT', 'tool choice names no tool of this request')
  const call = writer.rule(offered.map((tool) => callRule(writer, syntax, tool, budget)).join(' | '))
  const more =
    isParallel && !isNamed ? ` (${said(syntax.between + syntax.open)} ${call}){0,${MAX_CALLS - 1}}` : ''
  const end = syntax.end === '' ? '' : ` ${said(syntax.end)}`
  const after = (written: string): string =>
    `${said((syntax.begin + syntax.open).slice(written.length))} ${call}${more}${end}`.trimStart()
  if (choice !== 'auto') return writer.rule(after(''))
  if (content !== undefined) return writer.rule(`${after('')} | ${content}`)
  return textUntil(writer, syntax.trigger, writer.rule(after(syntax.trigger)))
}

/** Checks the tools of a request. @throws `ENGINE_INPUT` */
export function checkTools(tools: readonly ToolDefinition[]): void {
  if (!Array.isArray(tools) || tools.length === 0 || tools.length > MAX_TOOLS)
    throw engineError('ENGINE_INPUT', 'tools are not a list of 1 to 128')
  const names = new Set(tools.map((tool) => tool?.name))
  if (names.size !== tools.length || [...names].some((name) => !/^[\w-]{1,64}$/.test(String(name))))
    throw engineError('ENGINE_INPUT', 'tools have malformed names, or two have the same')
}

/** Name, arguments and what closes the call; what opens it stands before. */
function callRule(
  writer: GrammarWriter,
  { middle, close }: ToolSyntax,
  tool: ToolDefinition,
  budget: SchemaBudget,
): string {
  const schema = parseSchema(tool.parameters ?? NO_ARGUMENTS, budget)
  if (!isObject(schema))
    throw engineError('ENGINE_INPUT', 'the parameters of a tool are not those of an object')
  return writer.rule(`${said(tool.name + middle)} ${writer.schema(schema)} ${said(close)}`)
}

function isObject({ root, definitions }: ParsedSchema): boolean {
  const shape = root.kind === 'ref' ? definitions.get(root.pointer) : root
  return shape?.kind === 'object' || shape?.kind === 'map'
}

/**
 * Any text in which `trigger` does not occur, and optionally `trigger` with `next` behind it: the automaton of Knuth,
 * Morris and Pratt, one rule for each length of what has matched.
 */
function textUntil(writer: GrammarWriter, trigger: string, next: string): string {
  const characters = [...new Set(trigger)]
  const target = (matched: number, character: string): number => {
    const text = trigger.slice(0, matched) + character
    let length = text.length
    while (!text.endsWith(trigger.slice(0, length))) length--
    return length
  }
  const prefix = writer.rule('""')
  const name = (matched: number): string => (matched === trigger.length ? next : `${prefix}-${matched}`)
  for (let matched = 0; matched < trigger.length; matched++) {
    const moves = characters
      .map((character) => ({ character, to: target(matched, character) }))
      .filter(({ to }) => to > 0)
    const others = moves.map(({ character }) => classCharacter(character)).join('')
    const lines = moves.map(({ character, to }) => `${said(character)} ${name(to)}`)
    writer.named(name(matched), ['""', ...lines, `[^${others}] ${name(0)}`].join(' | '))
  }
  return name(0)
}

function classCharacter(character: string): string {
  return /[\\\]^-]/.test(character)
    ? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
    : character
}

function said(text: string): string {
  return text === '' ? '' : GrammarWriter.literal(text)
}
