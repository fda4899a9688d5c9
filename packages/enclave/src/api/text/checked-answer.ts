import { SottoError } from '@sotto/protocol/errors'
import { CheckSize, compileCheck, Effort, type SchemaCheck } from '../../engines/json-schema/check.ts'
import type { GenerateRequest, TextEvent } from '../../engines/types.ts'
import { ApiError, unsupported } from '../openai/errors.ts'
import { argumentsOf } from './messages.ts'

/** What the fields of a route are called, for errors that speak of one. */
export interface FieldNames {
  /** With the form of an answer. */
  readonly format: 'response_format' | 'text'
  readonly tools: 'tools' | 'functions'
}

/** Looks at the events of one answer as they pass. */
export type AnswerCheck = (events: AsyncIterable<TextEvent>) => AsyncIterable<TextEvent>

/**
 * Looks at finished answers as a client would: text that had to be JSON, and the arguments of every call, against the
 * schemas of the request. There are calls only where the request asks for some, as many as it asks for. Whatever forced
 * their form, a grammar here or another server, an answer without it is an error and not an answer; in a stream the error
 * comes in place of the end, or of a call that may not be there. Of what the limit has cut, only calls that were complete
 * are looked at.
 *
 * @throws `API_UNSUPPORTED` naming the field of a schema that cannot be checked, `ENGINE_INPUT` for what is no schema
 */
export function answerCheck(request: GenerateRequest, names: FieldNames): AnswerCheck {
  const { responseFormat: format, tools = [], toolChoice } = request
  const size = new CheckSize()
  // One for all answers: how many there are is the client's choice too.
  const effort = new Effort()
  const checkText =
    format === undefined || format.type === 'text'
      ? undefined
      : checkOf(format.type === 'json_schema' ? format.schema : { type: 'object' }, names.format, size)
  const checks = new Map(
    tools.map(({ name, parameters }) => [name, checkOf(parameters ?? { type: 'object' }, names.tools, size)]),
  )
  const isOffered = (name: string): boolean =>
    checks.has(name) && (typeof toolChoice !== 'object' || toolChoice.name === name)
  const most = mostCalls(request)
  const mustCall = toolChoice === 'required' || typeof toolChoice === 'object'
  return async function* check(events) {
    let text = ''
    const calls: { name: string; arguments: string }[] = []
    for await (const event of events) {
      if (event.type === 'delta' && checkText !== undefined) text += event.text
      if (event.type === 'tool-call') {
        if (event.index >= most) throw broken('the answer has a call more than it may have')
        const call = (calls[event.index] ??= { name: '', arguments: '' })
        call.name += event.name ?? ''
        call.arguments += event.arguments
      }
      if (event.type === 'done') {
        const isCut = event.finishReason === 'length'
        if (mustCall && calls.length === 0 && !isCut)
          throw broken('the answer has no call, and should have one')
        for (const call of isCut ? calls.slice(0, -1) : calls) {
          if (!isOffered(call.name)) throw broken('the answer calls what it may not')
          if (!isFine(checks.get(call.name)!, argumentsOf(call.arguments), effort))
            throw broken('the arguments of a call are not what its schema asks for')
        }
        const isText = text !== '' || calls.length === 0
        if (checkText !== undefined && isText && !isCut && !isFine(checkText, text, effort))
          throw broken('the answer is not what its schema asks for')
      }
      yield event
    }
  }
}

/** Calls that one answer may have. */
function mostCalls({ tools = [], toolChoice, parallelToolCalls }: GenerateRequest): number {
  if (tools.length === 0 || toolChoice === 'none') return 0
  return parallelToolCalls === false ? 1 : Infinity
}

function isFine(check: SchemaCheck, text: string, effort: Effort): boolean {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return false
  }
  return check(value, effort) === undefined
}

function checkOf(schema: unknown, field: string, size: CheckSize): SchemaCheck {
  try {
    return compileCheck(schema, size)
  } catch (error) {
    if (error instanceof SottoError && error.code === 'ENGINE_UNSUPPORTED')
      throw unsupported(field, error.message)
    throw error
  }
}

function broken(message: string): ApiError {
  return new ApiError('API_ANSWER_INVALID', `${message}; ask again`)
}
