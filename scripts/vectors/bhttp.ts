import { concat, fromHex, toHex } from '@sotto/protocol/bytes'
import {
  type BhttpLimits,
  type BhttpMessage,
  type BhttpRequestHead,
  type BhttpResponseHead,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '@sotto/protocol/bhttp'
import { decodeVarint, encodeVarint } from '@sotto/protocol/varint'
import {
  expectEqual,
  expectHex,
  expectRefused,
  isRefusalExpected,
  perFile,
  unknownShape,
  type VectorFamily,
} from './harness.ts'

interface MessageVector {
  name: string
  kind: 'request' | 'response' | 'any'
  bytes: string
  expect: 'accept' | 'reject'
  canonical?: boolean
  method?: string
  scheme?: string
  authority?: string
  path?: string
  status?: number
  headers?: [string, string][]
  content?: string
  trailers?: [string, string][]
  informational?: { status: number; headers: [string, string][] }[]
}

const REFUSALS = ['BHTTP_MALFORMED', 'BHTTP_TRUNCATED', 'BHTTP_TOO_LARGE']

/** Binary HTTP messages, whole and cut into single bytes, and QUIC variable-length integers. */
export const bhttp: VectorFamily = perFile('transport/bhttp', function* (file) {
  const vectors: unknown = JSON.parse(file.text)
  if (!Array.isArray(vectors)) return yield unknownShape('a file that is no list of vectors')
  for (const [index, vector] of vectors.entries()) {
    if (typeof vector?.enc === 'string' && typeof vector?.value === 'string') {
      yield [`${index}: ${vector.enc}`, () => checkVarint(vector.enc, vector.value)]
    } else if (typeof vector?.bytes === 'string' && ['request', 'response', 'any'].includes(vector?.kind)) {
      const v: MessageVector = vector
      const kinds = v.kind === 'any' ? (['request', 'response'] as const) : [v.kind]
      for (const kind of kinds) yield [`${index}: ${v.name} (${kind})`, () => checkMessage(v, kind)]
    } else yield unknownShape(`vector ${index} of ${file.name}`)
  }
})

function checkVarint(enc: string, value: string): void {
  expectEqual('value', decodeVarint(fromHex(enc))?.toString(), value)
  const shortest = encodeVarint(BigInt(value))
  expectEqual('value of the shortest encoding', decodeVarint(shortest)?.toString(), value)
  if (shortest.length * 2 === enc.length) expectHex('encoding', shortest, enc)
  if (shortest.length * 2 > enc.length) throw new Error('encoding is longer than the vector')
}

function checkMessage(v: MessageVector, kind: 'request' | 'response'): void {
  const isRefused = isRefusalExpected(v.expect)
  const bytes = fromHex(v.bytes)
  const singles = Array.from(bytes, (byte) => new Uint8Array([byte]))
  for (const pieces of [[bytes], singles]) {
    const decode = (limits?: BhttpLimits): BhttpMessage<BhttpRequestHead | BhttpResponseHead> =>
      kind === 'request' ? decodeRequest(pieces, limits) : decodeResponse(pieces, limits)
    if (isRefused) {
      expectRefused(v.name, decode, ...REFUSALS)
      // A malformed message is refused for what it is, also where limits are out of its reach.
      expectRefused(v.name, () => decode(limitsOf(bytes)), ...REFUSALS)
    } else checkContent(v, kind, decode(limitsOf(bytes)))
  }
}

/** What nothing in a message of this size can exceed: the limits of a receiver are no part of the format. */
function limitsOf({ length }: Uint8Array): BhttpLimits {
  return {
    maxTokenBytes: length,
    maxAuthorityBytes: length,
    maxPathBytes: length,
    maxFieldSectionBytes: length,
    maxFields: length,
    maxInformational: length,
    maxContentBytes: length,
    maxPaddingBytes: length,
  }
}

function checkContent(
  v: MessageVector,
  kind: 'request' | 'response',
  message: BhttpMessage<BhttpRequestHead | BhttpResponseHead>,
): void {
  // What a vector leaves out is empty, as in the format itself.
  const { headers = [], content = '', trailers = [], informational = [], canonical = false } = v
  expectEqual('control data', control(message.head), control(v))
  expectEqual('headers', message.head.fields, headers)
  expectEqual('content', toHex(concat(...message.content)), content)
  expectEqual('trailers', message.trailers, trailers)
  const found = message.informational.map(({ status, fields }) => ({ status, headers: fields }))
  expectEqual('informational', found, informational)
  if (!canonical) return
  const again =
    kind === 'request'
      ? encodeRequest(message.head as BhttpRequestHead, message)
      : encodeResponse(message.head as BhttpResponseHead, message)
  expectHex('encoding', concat(...again), v.bytes)
}

function control(head: Partial<BhttpRequestHead> | Partial<BhttpResponseHead> | MessageVector): unknown[] {
  const { method, scheme, authority, path, status } = head as MessageVector
  return [method, scheme, authority, path, status]
}
