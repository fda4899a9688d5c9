import { concat, fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import {
  OhttpClientKey,
  OhttpGatewayKey,
  type OhttpKeyConfig,
  type OhttpLimits,
  OhttpRequestOpener,
  type OhttpRequestSealer,
} from '@sotto/protocol/ohttp'
import { expectEqual, expectRefused, isRefusalExpected } from './harness.ts'

/** A message for one role, with the keys it meets there. */
interface Message {
  kind: 'ohttp' | 'chunked'
  role: 'gateway' | 'client'
  why: string
  skR: string
  skE: string
  keyId: number
  kemId?: number
  kdfId?: number
  aeadId: number
  bytes: string
  expect: 'accept' | 'reject'
  request?: string
  response?: string
}

type Opener = { push(piece: Uint8Array): Uint8Array[]; finish(): Uint8Array[] }

const REFUSALS = [
  'OHTTP_UNKNOWN_KEY',
  'OHTTP_UNSUPPORTED_SUITE',
  'OHTTP_MALFORMED',
  'OHTTP_TRUNCATED',
  'OHTTP_TOO_LARGE',
  'OHTTP_OPEN_FAILED',
]
const CONTROL = utf8('control')

/** Opens the message whole and in small pieces: both must be refused, or both give the plaintext. */
export function checkMessage(v: Message): void {
  const isRefused = isRefusalExpected(v.expect)
  const { start, control } = prepare(v)
  // With these keys a good message is opened, so what is refused below is the message itself.
  expectEqual('control', open(start(), control, Infinity), toHex(CONTROL))
  const bytes = fromHex(v.bytes)
  for (const pieceLength of [Infinity, bytes.length < 4096 ? 1 : 999]) {
    const run = (): string => open(start(), bytes, pieceLength)
    if (isRefused) expectRefused(v.why, run, ...REFUSALS)
    else expectEqual('plaintext', run(), v.role === 'client' ? v.response : v.request)
  }
}

/** How to start opening, and a message of our own that must open. */
function prepare(v: Message): { start: () => Opener; control: Uint8Array } {
  const { kemId = HPKE_KEM.DHKEM_X25519, kdfId = HPKE_KDF.HKDF_SHA256, aeadId, keyId } = v
  if (!['ohttp', 'chunked'].includes(v.kind)) throw new Error(`no framing is called ${v.kind}`)
  const isChunked = v.kind === 'chunked'
  const limits = limitsOf(v.bytes)
  const key = new OhttpGatewayKey(keyId, kemById(kemId).importPrivate(fromHex(v.skR)), [{ kdfId, aeadId }])
  const client = (): OhttpRequestSealer =>
    clientRequest(key.config, { kdfId, aeadId, skE: v.skE }, isChunked, limits)
  const gateway = (): OhttpRequestOpener =>
    new OhttpRequestOpener({ ...limits, isChunked, findKey: (id) => (id === keyId ? key : undefined) })
  const request = concat(...client().end(CONTROL))
  if (v.role === 'gateway') return { start: gateway, control: request }
  if (v.role !== 'client') throw new Error(`no role is called ${String(v.role)}`)
  const receiver = gateway()
  open(receiver, request, Infinity)
  return { start: () => client().openResponse(limits), control: concat(...receiver.respond().end(CONTROL)) }
}

/** Chunks as large as the messages themselves: how much a receiver takes is no part of the format. */
export function limitsOf(...messages: string[]): Required<OhttpLimits> {
  const length = Math.max(CONTROL.length, ...messages.map((message) => message.length / 2))
  return { maxChunkBytes: length, maxMessageBytes: length }
}

/** A client with the ephemeral key of the vector: a private key, or what a KEM without one encapsulates from. */
export function clientRequest(
  config: OhttpKeyConfig,
  v: { kdfId: number; aeadId: number; skE: string },
  isChunked: boolean,
  limits: Required<OhttpLimits>,
): OhttpRequestSealer {
  const ephemeral = fromHex(v.skE)
  return new OhttpClientKey(config, v).request({
    maxChunkBytes: limits.maxChunkBytes,
    isChunked,
    insecureFixedRandomness: { skE: ephemeral, ikmE: ephemeral },
  })
}

/** The plaintext of a message that arrives in pieces. */
export function open(opener: Opener, bytes: Uint8Array, pieceLength: number): string {
  const out: Uint8Array[] = []
  const step = Math.min(pieceLength, Math.max(bytes.length, 1))
  for (let offset = 0; offset < bytes.length; offset += step)
    out.push(...opener.push(bytes.subarray(offset, offset + step)))
  out.push(...opener.finish())
  return toHex(concat(...out))
}
