import { DATATYPES } from '@sotto/protocol/tensors'
import { ref } from './parts.ts'
import type { Answer, Schema } from './types.ts'

/**
 * Answers have no schema in the code that writes them: these are written by hand. test/docs/answers.test.ts compares them
 * with answers of every kind, in which a member that is not named here fails it.
 */
const text: Schema = { type: 'string' }
const count: Schema = { type: 'integer', minimum: 0 }
const number: Schema = { type: 'number' }
const seconds: Schema = { type: 'integer', description: 'Unix time, seconds.' }
const any: Schema = {}

/** An object whose members are all there, but for those that `optional` names. Others may come with a later version. */
function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
  }
}
const list = (items: Schema): Schema => ({ type: 'array', items })
const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] })
const oneOf = (...values: string[]): Schema => ({ type: 'string', enum: values })
const digest: Schema = { type: 'string', pattern: '^[0-9a-f]{64}$' }

const finish = orNull(oneOf('stop', 'length', 'tool_calls', 'function_call'))
const datatype = oneOf(...DATATYPES)
const port = object({ name: text, datatype, shape: list({ type: 'integer', minimum: -1 }) })
const duration = object({ type: { const: 'duration' }, seconds: count })
const callFunction = object({ name: text, arguments: text })
const logprobs: Schema = { type: ['object', 'null'] }
const completions = list(object({ index: count, text, logprobs, finish_reason: finish }))

export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Error: object({
    error: {
      ...object(
        { message: text, type: text, param: { type: ['string', 'null'] }, code: text, action: text },
        ['action'],
      ),
      description: '`code` does not change between versions; docs/errors.md lists all of them.',
    },
  }),
  TensorError: object({ error: text, code: text }),
  Function: object(
    {
      name: { type: 'string', pattern: '^[\\w-]{1,64}$' },
      description: { type: ['string', 'null'] },
      parameters: { type: ['object', 'null'], description: 'JSON Schema; docs/api.md says which keywords.' },
    },
    ['description', 'parameters'],
  ),
  Model: object(
    {
      id: text,
      object: { const: 'model' },
      created: seconds,
      owned_by: text,
      task: oneOf('transcription', 'text-generation', 'summarization', 'embedding', 'tensors'),
      digest: { ...digest, description: 'The same that receipts quote.' },
      context_tokens: {
        ...count,
        description: 'Tokens of question and answer together, for a model that generates.',
      },
      runs_in: {
        ...oneOf('enclave', 'server'),
        description: 'In the enclave itself, or in a model server beside it.',
      },
      alias_of: { type: 'string', description: 'The model that this is another name of.' },
      pinned: { const: true, description: 'Kept loaded; of models of owners alone.' },
    },
    ['context_tokens', 'runs_in', 'alias_of', 'pinned'],
  ),
  ModelList: object({ object: { const: 'list' }, data: list(ref('Model')) }),
  Usage: object(
    {
      prompt_tokens: count,
      completion_tokens: count,
      total_tokens: count,
      prompt_tokens_details: object({ cached_tokens: count }),
    },
    ['completion_tokens', 'prompt_tokens_details'],
  ),
  ToolCall: object({ id: text, type: { const: 'function' }, function: callFunction }),
  ChatCompletion: object({
    id: text,
    object: { const: 'chat.completion' },
    created: seconds,
    model: text,
    choices: list(
      object({
        index: count,
        message: object(
          {
            role: { const: 'assistant' },
            content: { type: ['string', 'null'] },
            refusal: { type: 'null' },
            tool_calls: list(ref('ToolCall')),
            function_call: callFunction,
          },
          ['tool_calls', 'function_call'],
        ),
        logprobs,
        finish_reason: finish,
      }),
    ),
    usage: ref('Usage'),
  }),
  ChatCompletionChunk: object(
    {
      id: text,
      object: { const: 'chat.completion.chunk' },
      created: seconds,
      model: text,
      choices: list(
        object({ index: count, delta: { type: 'object' }, logprobs, finish_reason: finish }, ['logprobs']),
      ),
      usage: orNull(ref('Usage')),
    },
    ['usage'],
  ),
  Completion: object({
    id: text,
    object: { const: 'text_completion' },
    created: seconds,
    model: text,
    choices: completions,
    usage: ref('Usage'),
  }),
  CompletionChunk: object(
    {
      id: text,
      object: { const: 'text_completion' },
      created: seconds,
      model: text,
      choices: completions,
      usage: orNull(ref('Usage')),
    },
    ['usage'],
  ),
  Response: object({
    id: text,
    object: { const: 'response' },
    created_at: seconds,
    status: oneOf('in_progress', 'completed', 'incomplete'),
    background: { const: false },
    error: { type: 'null' },
    incomplete_details: orNull(object({ reason: text })),
    instructions: { type: ['string', 'null'] },
    max_output_tokens: orNull(count),
    metadata: { type: 'object' },
    model: text,
    output: list(
      object(
        {
          id: text,
          type: oneOf('message', 'function_call'),
          status: text,
          role: { const: 'assistant' },
          content: list(
            object({
              type: { const: 'output_text' },
              annotations: list(any),
              text,
              logprobs: list({ type: 'object' }),
            }),
          ),
          call_id: text,
          name: text,
          arguments: text,
        },
        ['role', 'content', 'call_id', 'name', 'arguments'],
      ),
    ),
    parallel_tool_calls: { type: 'boolean' },
    previous_response_id: { type: 'null' },
    reasoning: { type: 'null' },
    service_tier: { const: 'default' },
    store: { const: false },
    temperature: number,
    text: object({ format: { type: 'object' } }),
    tool_choice: { anyOf: [text, { type: 'object' }] },
    tools: list({ type: 'object' }),
    top_logprobs: count,
    top_p: number,
    truncation: { const: 'disabled' },
    usage: orNull(
      object({
        input_tokens: count,
        input_tokens_details: object({ cached_tokens: count }),
        output_tokens: count,
        output_tokens_details: object({ reasoning_tokens: count }),
        total_tokens: count,
      }),
    ),
    user: { type: 'null' },
  }),
  Embeddings: object({
    object: { const: 'list' },
    model: text,
    data: list(
      object({
        object: { const: 'embedding' },
        index: count,
        embedding: {
          anyOf: [list(number), { type: 'string', description: 'base64 of little-endian float32' }],
        },
      }),
    ),
    usage: ref('Usage'),
  }),
  Summary: object({ object: { const: 'summary' }, model: text, summary: text, usage: ref('Usage') }),
  Transcription: object({ text, usage: duration, logprobs: list(object({ token: text, logprob: number })) }, [
    'logprobs',
  ]),
  VerboseTranscription: object(
    {
      task: oneOf('transcribe', 'translate'),
      language: text,
      duration: number,
      text,
      segments: list(
        object({
          id: count,
          seek: count,
          start: number,
          end: number,
          text,
          tokens: list(count),
          temperature: number,
          avg_logprob: number,
          compression_ratio: number,
          no_speech_prob: number,
        }),
      ),
      words: list(object({ word: text, start: number, end: number })),
      usage: duration,
    },
    ['segments', 'words'],
  ),
  TensorServer: object({ name: text, version: text, extensions: list(text) }),
  TensorModel: object({
    name: text,
    versions: list({ ...digest, description: 'A version is the digest of the manifest.' }),
    platform: text,
    inputs: list(port),
    outputs: list(port),
  }),
  TensorIndex: list(
    object({ name: text, version: digest, state: oneOf('READY', 'UNAVAILABLE'), reason: text }),
  ),
  TensorRequest: object(
    {
      id: { type: 'string', maxLength: 256 },
      parameters: object({ binary_data_output: { type: 'boolean' } }),
      inputs: {
        type: 'array',
        maxItems: 128,
        items: object(
          {
            name: text,
            datatype,
            shape: list(count),
            data: { type: 'array', items: any, description: 'Flat, or nested as the shape says.' },
            parameters: object({ binary_data_size: count, content_type: text }, [
              'binary_data_size',
              'content_type',
            ]),
          },
          ['data', 'parameters'],
        ),
      },
      outputs: {
        type: 'array',
        maxItems: 128,
        items: object({ name: text, parameters: object({ binary_data: { type: 'boolean' } }) }, [
          'parameters',
        ]),
      },
    },
    ['id', 'parameters', 'outputs'],
  ),
  TensorAnswer: object(
    {
      id: text,
      model_name: text,
      model_version: digest,
      outputs: list(
        object(
          {
            name: text,
            datatype,
            shape: list(count),
            data: list(any),
            parameters: object({ binary_data_size: count }),
          },
          ['data', 'parameters'],
        ),
      ),
    },
    ['id'],
  ),
  LoggedModel: {
    type: 'object',
    description:
      'The owner’s signed statement or removal (DSSE), with its proof of inclusion in the log. It proves itself: nothing of whoever sends it has to be believed.',
  },
}

/** Refusals that many routes share. */
export const RESPONSES: Readonly<Record<string, Answer>> = {
  Refused: {
    description:
      'A field is malformed or not offered (400), a model or route is not known (404), a model is removed or its time over (410), the body is too large (413).',
    content: { 'application/json': { schema: ref('Error') } },
  },
  Unavailable: {
    description: 'All places are taken (429), or something failed that may work again (503, 504).',
    content: { 'application/json': { schema: ref('Error') } },
  },
  TensorRefused: {
    description: 'The request does not fit the model, or something failed.',
    content: { 'application/json': { schema: ref('TensorError') } },
  },
}
