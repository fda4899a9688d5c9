import { LlamaGrammar, LlamaGrammarEvaluationState } from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import { SchemaBudget } from '../json-schema/budget.ts'
import type { GenerateRequest } from '../types.ts'
import { GrammarWriter } from './schema/gbnf.ts'
import { parseSchema } from './schema/parse.ts'
import { resolveStops } from './sampling.ts'
import { checkTools, toolRule } from './tools/tool-grammar.ts'
import { TAGGED, type ToolSyntax } from './tools/syntax.ts'
import type { Words } from './words.ts'

/** What holds an answer in its form. */
export interface Constraint {
  /** Absent for free text. */
  readonly grammar?: LlamaGrammarEvaluationState
  /** The same as text (GBNF), for a process that samples elsewhere. */
  readonly grammarText?: string
  /** How calls are written, for answers that may hold some. */
  readonly syntax?: ToolSyntax
  /** Whether the text, if there is any, is JSON. */
  readonly isJson: boolean
  readonly stops: readonly string[]
  /** Tokens that no text contains, and that a grammar would take for something else. */
  readonly banned: readonly number[]
}

/**
 * The constraint of one answer. A client controls schemas, tools and stops.
 * @throws `ENGINE_INPUT`, `ENGINE_UNSUPPORTED` naming the keyword or the option
 */
export function constraintFor(loaded: Words, request: GenerateRequest): Constraint {
  const { template } = loaded
  const writer = new GrammarWriter()
  const budget = new SchemaBudget()
  const content = contentRule(writer, request, budget)
  const asked = resolveStops(request.stop)
  const isJson = content !== undefined
  if (isJson && asked.length > 0)
    throw engineError('ENGINE_UNSUPPORTED', 'stop is not offered with a JSON answer: it could cut the JSON')
  const stops = isJson || request.messages === undefined ? asked : [...asked, ...template.stops]
  const syntax = activeTools(request) && (template.toolSyntax ?? TAGGED)
  const root = syntax ? toolRoot(writer, syntax, request, content, budget) : content
  if (root === undefined) return { isJson, stops, banned: [] }
  const grammarText = writer.finish(root)
  return {
    grammar: compiled(loaded, grammarText),
    grammarText,
    isJson,
    stops,
    banned: loaded.unwritable,
    ...(syntax && { syntax }),
  }
}

function compiled({ llama, model }: Words, text: string): LlamaGrammarEvaluationState {
  try {
    const grammar = new LlamaGrammar(llama, { grammar: text })
    return new LlamaGrammarEvaluationState({ model, grammar })
  } catch (cause) {
    throw engineError('ENGINE_UNSUPPORTED', 'JSON schema: what it counts is too much for a grammar', {
      cause,
    })
  }
}

/** Whether an answer may hold calls. */
export function activeTools({ tools, toolChoice }: GenerateRequest): boolean {
  return tools !== undefined && tools.length > 0 && toolChoice !== 'none'
}

/** Types of tokens (`tokenizer.ggml.token_type`) that have a name, which grammars read, and no text: unknown, control, unused. */
const WITHOUT_TEXT = new Set([2, 3, 5])

/**
 * Tokens that would be other characters to llama.cpp's grammars than they are in the text: bytes that begin no character,
 * and those that have a name only, `<unk>`. A client's bias could have them fill a string that must have a length.
 *
 * @param isEnd of a token that ends an answer: grammars know those
 */
export function unwritableTokens(
  vocabulary: readonly string[],
  types: readonly number[],
  isEnd: (token: number) => boolean,
): number[] {
  return vocabulary.flatMap((text, token) => {
    const isNoCharacter = /^<0x(?:C[01]|F[5-9A-F])>$/.test(text)
    return isNoCharacter || (WITHOUT_TEXT.has(types[token] ?? 1) && !isEnd(token)) ? [token] : []
  })
}

function toolRoot(
  writer: GrammarWriter,
  syntax: ToolSyntax,
  request: GenerateRequest,
  content: string | undefined,
  budget: SchemaBudget,
): string {
  const { tools = [], toolChoice = 'auto', parallelToolCalls = true } = request
  if (request.messages === undefined) throw engineError('ENGINE_INPUT', 'tools need messages')
  checkTools(tools)
  const choice = toolChoice === 'none' ? 'auto' : toolChoice
  return toolRule(writer, syntax, { tools, choice, isParallel: parallelToolCalls, budget }, content)
}

function contentRule(
  writer: GrammarWriter,
  { responseFormat }: GenerateRequest,
  budget: SchemaBudget,
): string | undefined {
  switch (responseFormat?.type) {
    case 'json_object':
      return writer.base('map')
    case 'json_schema':
      return writer.schema(parseSchema(responseFormat.schema, budget))
    default:
      return undefined
  }
}
