import { type Llama, LlamaGrammar, LlamaGrammarEvaluationState, type LlamaModel } from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import type { ResponseFormat } from '../types.ts'

const MAX_SCHEMA_LENGTH = 64 * 1024

/** Any JSON object, at most a few blanks between its parts, so that a weak model cannot fill its answer with space. */
const JSON_OBJECT = String.raw`
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null")
object ::= "{" ws (string ":" ws value ws ("," ws string ":" ws value ws)*)? "}"
array  ::= "[" ws (value ws ("," ws value ws)*)? "]"
string ::= "\"" ([^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\""
number ::= "-"? ([0-9] | [1-9] [0-9]{0,15}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,3})?
ws     ::= [ \n]{0,2}
`

/**
 * Grammar state for one answer, or undefined for free text. A client controls the schema.
 * @throws `ENGINE_INPUT` for a schema that cannot be made a grammar
 */
export async function grammarFor(
  format: ResponseFormat | undefined,
  llama: Llama,
  model: LlamaModel,
): Promise<LlamaGrammarEvaluationState | undefined> {
  if (format === undefined || format.type === 'text') return undefined
  const grammar =
    format.type === 'json_object'
      ? new LlamaGrammar(llama, { grammar: JSON_OBJECT })
      : await schemaGrammar(format, llama)
  return new LlamaGrammarEvaluationState({ model, grammar })
}

async function schemaGrammar(format: ResponseFormat, llama: Llama): Promise<LlamaGrammar> {
  const schema = format.type === 'json_schema' ? format.schema : undefined
  if (typeof schema !== 'object' || schema === null || JSON.stringify(schema).length > MAX_SCHEMA_LENGTH) {
    throw engineError('ENGINE_INPUT', 'schema is not an object of at most 64 KiB')
  }
  try {
    return await llama.createGrammarForJsonSchema(
      schema as Parameters<Llama['createGrammarForJsonSchema']>[0],
    )
  } catch (cause) {
    throw engineError('ENGINE_INPUT', 'schema uses what this engine cannot enforce', { cause })
  }
}
