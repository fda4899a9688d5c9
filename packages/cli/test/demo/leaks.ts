import { concat, utf8 } from '@sotto/protocol/bytes'
import { encodeContentChunk, encodeRequest, encodeRequestStart, encodeResponse } from '@sotto/protocol/bhttp'
import type { SecretKind, Secrets } from '../../src/demo/secrets.ts'
import { secretsOf } from '../../src/demo/secrets.ts'

/** Bytes without a pattern, the same in every run. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

const LETTER =
  'About sixty parents and neighbours met in the school hall on Tuesday evening to talk about the river path.'
const ANSWER = 'Your request is opened only inside the attested enclave. It is kept in memory.'
const KEY = 'Bearer sk-demo-5c1f0d7a9b3e'
const RECORDING = noise(20_000, 7)
const WEIGHTS = noise(100_000, 11)

/** What went through the stack of these tests. */
export const SECRETS: Secrets = secretsOf({
  requests: [RECORDING, LETTER, 'Who can read my words?'],
  answers: [ANSWER, 'a transcript of something that was said'],
  headers: [KEY, 'demo-client-0123456789abcdef'],
  weights: [WEIGHTS],
  models: ['sotto-ctc-synthetic-en'],
})

/** Frames as the API streams them, one token in each. */
export const FRAMES = ['', 'Your', ' request', ' is', ' opened'].map(
  (content) =>
    `data: {"id":"chatcmpl-1f","object":"chat.completion.chunk","created":1790000000,"model":"m","choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}},"finish_reason":null}]}\n\n`,
)

const request = (path: string): Parameters<typeof encodeRequest>[0] => ({
  method: 'POST',
  scheme: 'https',
  authority: 'inference.sotto',
  path,
  fields: [['content-type', 'application/json']],
})

/** One leak of every sort there is: what stood on the wire, and what it must show. */
export const LEAKS: readonly [what: string, kind: SecretKind, bytes: Uint8Array][] = [
  ['a request body', 'request', utf8(JSON.stringify({ input: LETTER, max_sentences: 3 }))],
  ['the middle of a request body', 'request', utf8(LETTER.slice(40, 60))],
  ['a prompt', 'request', utf8(JSON.stringify({ messages: [{ role: 'user', content: 'another prompt' }] }))],
  ['the middle of a recording', 'request', RECORDING.subarray(9_000, 13_096)],
  ['a form', 'request', utf8('--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n')],
  ['a JSON answer', 'answer', utf8(JSON.stringify({ text: ANSWER }))],
  ['the middle of an answer', 'answer', utf8(ANSWER.slice(20, 40))],
  ['a summary of other words', 'answer', utf8('{"object":"summary","summary":"no","usage":{}}')],
  ['a streamed answer', 'answer', utf8(FRAMES.join(''))],
  ['one frame of a streamed answer', 'answer', utf8(FRAMES[2]!)],
  ['the last frame of a streamed answer', 'answer', utf8('data: [DONE]\n\n')],
  [
    'the tokens an engine wrote, one in a line',
    'answer',
    utf8(
      ANSWER.split(/(?= )/)
        .map((token) => `{"token":${JSON.stringify(token)}}\n`)
        .join(''),
    ),
  ],
  ['an inner path', 'inner', utf8('POST /v1/audio/transcriptions HTTP/1.1\r\n')],
  ['a model name', 'inner', utf8('"sotto-ctc-synthetic-en"')],
  ['an inner error', 'inner', utf8('{"error":{"type":"invalid_request_error"}}')],
  ['an inner header', 'inner', utf8('content-type: text/event-stream; charset=utf-8\r\n')],
  ['a receipt', 'inner', utf8('\r\nsotto-receipt: eyJlbnZlbG9wZSI6\r\n')],
  ['a Binary HTTP request', 'inner', concat(...encodeRequest({ ...request('/x'), authority: '' }))],
  ['a Binary HTTP request that streams', 'inner', encodeRequestStart({ ...request('/x'), authority: '' })],
  [
    'a Binary HTTP answer',
    'inner',
    concat(...encodeResponse({ status: 200, fields: [['content-type', 'application/json']] })),
  ],
  ['a content chunk of Binary HTTP', 'answer', concat(...encodeContentChunk(utf8(FRAMES[1]!)))],
  ['a header of the client', 'client', utf8(`authorization: ${KEY}\r\n`)],
  ['an agent string', 'client', utf8('User-Agent: demo-client-0123456789abcdef\r\n')],
  ['4 KiB of weights', 'weights', WEIGHTS.subarray(51_234, 51_234 + 4096)],
  ['the end of the weights', 'weights', WEIGHTS.subarray(WEIGHTS.length - 4096)],
]

const around = (bytes: Uint8Array): Uint8Array => concat(noise(500, 3), bytes, noise(500, 5))
const text = (value: string): Uint8Array => concat(noise(40, 9), utf8(` {"x":"${value}"} `), noise(40, 2))

/** Framing of `size` bytes a chunk around content (RFC 9112 Section 7.1). */
function chunked(bytes: Uint8Array, size: number): Uint8Array {
  const chunks: Uint8Array[] = [utf8('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')]
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = bytes.subarray(at, at + size)
    chunks.push(utf8(`${chunk.length.toString(16)}\r\n`), chunk, utf8('\r\n'))
  }
  return concat(...chunks, utf8('0\r\n\r\n'))
}

/** The guises in which a leak may stand on a wire. */
export const GUISES: readonly [how: string, dress: (bytes: Uint8Array) => Uint8Array][] = [
  ['between other bytes', around],
  ['in chunks of 5 bytes', (bytes) => chunked(bytes, 5)],
  ['in base64', (bytes) => text(Buffer.from(bytes).toString('base64'))],
  ['in base64url', (bytes) => text(Buffer.from(bytes).toString('base64url'))],
  [
    'in base64, one byte into something longer',
    (bytes) => text(Buffer.from([1, ...bytes]).toString('base64')),
  ],
  [
    'in base64, two bytes into something longer',
    (bytes) => text(Buffer.from([1, 2, ...bytes]).toString('base64')),
  ],
  ['in base64 behind letters', (bytes) => text(`v1/x/y${Buffer.from(bytes).toString('base64')}`)],
  ['in base64 in chunks', (bytes) => chunked(utf8(Buffer.from(bytes).toString('base64')), 7)],
  ['in hexadecimal', (bytes) => text(Buffer.from(bytes).toString('hex'))],
  ['in hexadecimal behind a digit', (bytes) => text(`a${Buffer.from(bytes).toString('hex').toUpperCase()}`)],
]
