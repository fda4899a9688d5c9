import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { check } from '../../packages/enclave/src/api/openai/body.ts'
import { chatRequest, chatSchema } from '../../packages/enclave/src/api/text/chat-schema.ts'
import {
  completionRequests,
  completionSchema,
} from '../../packages/enclave/src/api/text/completion-schema.ts'
import { responsesRequest, responsesSchema } from '../../packages/enclave/src/api/text/responses/schema.ts'
import { GrammarWriter } from '../../packages/enclave/src/engines/gguf/schema/gbnf.ts'
import { parseSchema } from '../../packages/enclave/src/engines/gguf/schema/parse.ts'
import { parser, type Target } from './target.ts'

/** What an enclave receives of text requests: bodies, and the schemas in them. */
export const textTargets: readonly Target[] = [
  parser('json schema', schemas, (bytes) => {
    const writer = new GrammarWriter()
    writer.finish(writer.schema(parseSchema(jsonOf(bytes))))
  }),
  parser('chat body', chats, (bytes) => chatRequest(check(chatSchema, jsonOf(bytes)))),
  parser('completion body', completions, (bytes) =>
    completionRequests(check(completionSchema, jsonOf(bytes))),
  ),
  parser('responses body', responses, (bytes) => responsesRequest(check(responsesSchema, jsonOf(bytes)))),
]

/** Undefined for what is no JSON: that a reader of bodies refuses, before anything of ours is asked. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes)) as unknown
  } catch {
    return undefined
  }
}

const TREE = {
  $defs: {
    node: {
      type: 'object',
      properties: {
        kind: { enum: ['a', 1, null] },
        next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
      },
      required: ['kind'],
      additionalProperties: false,
    },
  },
  $ref: '#/$defs/node',
}
const TRIP = {
  type: 'object',
  properties: {
    days: { type: 'integer', minimum: -3, maximum: 700 },
    cities: {
      type: 'array',
      items: { type: 'string', minLength: 1, maxLength: 9 },
      minItems: 1,
      maxItems: 4,
    },
    at: { type: ['string', 'null'], format: 'date-time' },
  },
  required: ['days'],
}

function schemas(): Uint8Array[] {
  return [TREE, TRIP, { type: 'object', additionalProperties: { type: 'number', minimum: 0 } }].map(bytesOf)
}

function chats(): Uint8Array[] {
  const call = { id: 'call_1', type: 'function', function: { name: 'trip', arguments: '{"days":1}' } }
  return [
    {
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Where?' }] },
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'call_1', content: 'booked' },
      ],
      tools: [{ type: 'function', function: { name: 'trip', parameters: TRIP } }],
      tool_choice: { type: 'function', function: { name: 'trip' } },
      n: 2,
      stop: ['a'],
      logit_bias: { 5: -100 },
    },
    {
      messages: [{ role: 'user', content: 'Where?' }],
      response_format: { type: 'json_schema', json_schema: { name: 'trip', schema: TRIP } },
    },
  ].map(bytesOf)
}

function completions(): Uint8Array[] {
  return [
    { prompt: ['Once', 'The'], echo: true, best_of: 3, n: 2, logprobs: 1 },
    { prompt: [[1, 2], [3]], suffix: 'end', max_tokens: 4 },
  ].map(bytesOf)
}

function responses(): Uint8Array[] {
  const input = [
    { role: 'user', content: [{ type: 'input_text', text: 'Where?' }] },
    { type: 'function_call', call_id: 'call_1', name: 'trip', arguments: '{}' },
    { type: 'function_call_output', call_id: 'call_1', output: 'booked' },
  ]
  const tools = [{ type: 'function', name: 'trip', parameters: TRIP }]
  return [
    { input, tools, tool_choice: 'required', instructions: 'Be brief.' },
    { input: 'Where?', text: { format: { type: 'json_schema', name: 'trip', schema: TRIP } }, store: false },
  ].map(bytesOf)
}

function bytesOf(value: object): Uint8Array {
  return utf8(JSON.stringify(value))
}
