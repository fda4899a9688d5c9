import { describe, expect, it } from 'vitest'
import {
  apiOf,
  binaryInput,
  echoModel,
  get,
  inferBinary,
  inferJson,
} from '../../packages/enclave/test/api/kserve/support.ts'
import { scriptedApi } from '../../packages/enclave/test/api/scripted.ts'
import { fakeApi, post } from '../../packages/enclave/test/api/support.ts'
import { showModel } from '../../packages/enclave/src/api/model-list.ts'
import { SCHEMAS } from '../../scripts/openapi/answers.ts'
import { mismatch } from './shapes.ts'

const messages = [{ role: 'user', content: 'Hello' }]
const functions = [{ name: 'book' }]
const { api } = fakeApi()
const caller = scriptedApi({ calls: [['book', '{}']], end: 'tool-calls' }).api
const ports = [{ name: 'n', datatype: 'UINT8', shape: [-1] }] as const
const tensors = apiOf(echoModel([], { tensors: { inputs: ports, outputs: ports } }))

const chat = (body: object): Request => post('/v1/chat/completions', { messages, ...body })

function recording(fields: Record<string, string>): Request {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  form.set('file', new Blob(['RIFF']), 'note.wav')
  return new Request('https://inference.sotto/v1/audio/transcriptions', { method: 'POST', body: form })
}

/** The JSON of an answer, of each event of a stream, and what stands before binary data. */
async function documentsOf(response: Response): Promise<unknown[]> {
  const text = await response.text()
  const events = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => json!)
  const head = response.headers.get('inference-header-content-length')
  return (events.length > 0 ? events : [text.slice(0, head === null ? undefined : Number(head))]).map(
    (json) => JSON.parse(json) as unknown,
  )
}

const INPUT = { name: 'n', datatype: 'UINT8', shape: [2], data: [1, 2] }
const BINARY = {
  inputs: [binaryInput('n', 'UINT8', [2], Uint8Array.of(1, 2))],
  outputs: [{ name: 'n', parameters: { binary_data: true } }],
}

/** Answers of the API over models made for tests, of every kind and with what may be left out. */
const ANSWERS: readonly (readonly [shape: string, answer: () => Promise<Response>])[] = [
  ['ModelList', () => api(get('/v1/models'))],
  ['Model', () => api(get('/v1/models/gpt-4o-mini'))],
  ['Model', showOwned],
  ['ChatCompletion', () => api(chat({ logprobs: true }))],
  ['ChatCompletion', () => caller(chat({ tools: [{ type: 'function', function: functions[0] }] }))],
  ['ChatCompletion', () => caller(chat({ functions }))],
  ['ChatCompletionChunk', () => api(chat({ stream: true, stream_options: { include_usage: true } }))],
  ['ChatCompletionChunk', () => api(chat({ stream: true, logprobs: true }))],
  ['Completion', () => api(post('/v1/completions', { prompt: 'Once', logprobs: 1 }))],
  ['CompletionChunk', () => api(post('/v1/completions', { prompt: 'Once', logprobs: 1, stream: true }))],
  [
    'CompletionChunk',
    () =>
      api(post('/v1/completions', { prompt: 'Once', stream: true, stream_options: { include_usage: true } })),
  ],
  ['Response', () => api(post('/v1/responses', { input: 'Hello' }))],
  [
    'Response',
    () => caller(post('/v1/responses', { input: 'Hello', tools: [{ type: 'function', name: 'book' }] })),
  ],
  ['Embeddings', () => api(post('/v1/embeddings', { input: ['a', 'b'] }))],
  ['Embeddings', () => api(post('/v1/embeddings', { input: 'a', encoding_format: 'base64' }))],
  ['Summary', () => api(post('/v1/summaries', { input: 'One. Two.' }))],
  ['Transcription', () => api(recording({}))],
  [
    'VerboseTranscription',
    () => api(recording({ response_format: 'verbose_json', 'timestamp_granularities[]': 'word' })),
  ],
  ['VerboseTranscription', () => api(recording({ response_format: 'verbose_json' }))],
  ['Error', () => api(chat({ store: true }))],
  ['TensorServer', () => tensors(get('/v2'))],
  ['TensorModel', () => tensors(get('/v2/models/owner/echo'))],
  ['TensorIndex', () => tensors(post('/v2/repository/index', {}))],
  ['TensorAnswer', () => tensors(inferJson('owner/echo', { id: 'a', inputs: [INPUT] }))],
  ['TensorAnswer', () => tensors(inferBinary('owner/echo', BINARY, [Uint8Array.of(1, 2)]))],
  ['TensorError', () => tensors(get('/v2/models/none'))],
]

/** A model of an owner that the configuration keeps loaded. */
function showOwned(): Promise<Response> {
  const model = { id: 'owner/notes:2', digest: 'd'.repeat(64), createdAt: 5, owner: 'a'.repeat(24) }
  const describeIt = async () => ({ ...model, task: 'embedding', pinned: true }) as const
  return showModel({ list: () => [], onDemand: { find: async () => undefined, describe: describeIt } }, 'any')
}

describe('answers have the members that the OpenAPI document states, and no others', () => {
  it.each(ANSWERS)('%s', async (shape, answer) => {
    for (const document of await documentsOf(await answer()))
      expect(mismatch(shape, document), JSON.stringify(document)).toBeUndefined()
  })

  it('a shape of an answer that is not compared is noticed, and so is a member that it does not name', () => {
    const parts = ['Function', 'ToolCall', 'Usage', 'TensorRequest']
    // This one states no members: it proves itself.
    const compared = new Set([...ANSWERS.map(([shape]) => shape), ...parts, 'LoggedModel'])
    expect(Object.keys(SCHEMAS).filter((name) => !compared.has(name))).toEqual([])
    expect(mismatch('TensorError', { error: 'a', code: 'b', more: 1 })).toBe('additionalProperties')
    expect(mismatch('TensorError', { error: 'a' })).toBe('required')
  })
})
