import { concat, fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { HPKE_KDF, HPKE_KEM, HpkeSuite, kemById } from '@sotto/protocol/hpke'
import {
  encodeKeyConfigs,
  OhttpClientKey,
  OhttpGatewayKey,
  type OhttpKeyConfig,
  OhttpRequestOpener,
  type OhttpRequestSealer,
  parseKeyConfig,
  parseKeyConfigs,
} from '@sotto/protocol/ohttp'
import { expectEqual, expectHex, expectRefused, perFile, unknownShape, type VectorFamily } from './harness.ts'

interface Exchange {
  name: string
  kemId: number
  kdfId: number
  aeadId: number
  keyId: number
  skR: string
  pkR: string
  keyConfig: string
  skE: string
  enc: string
  info: string
  shared_secret: string
  hpke_key: string
  hpke_base_nonce: string
  exporter_secret: string
  request: string
  response: string
  responseNonce: string
  secret: string
  salt: string
  prk: string
  aeadKey: string
  aeadNonce: string
  encapsulatedRequest: string
  encapsulatedResponse: string
  requestChunks?: Chunk[]
  responseChunks?: Chunk[]
}

interface Chunk {
  plaintext: string
  final: boolean
  framed: string
}

interface Refusal {
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

/** Some vectors have chunks larger than what a receiver must accept. */
const LIMITS = { maxChunkBytes: 1 << 20 }
const REFUSALS = [
  'OHTTP_UNKNOWN_KEY',
  'OHTTP_UNSUPPORTED_SUITE',
  'OHTTP_MALFORMED',
  'OHTTP_TRUNCATED',
  'OHTTP_TOO_LARGE',
  'OHTTP_OPEN_FAILED',
]

/** Oblivious HTTP: key configurations, whole exchanges in both framings, and messages that must be refused. */
export const ohttp: VectorFamily = perFile('transport/ohttp', function* (file) {
  const vectors: unknown = JSON.parse(file.text)
  if (!Array.isArray(vectors)) return yield unknownShape('a file that is no list of vectors')
  for (const [index, vector] of vectors.entries()) {
    const title = `${index}: ${vector?.name ?? vector?.why}`
    if (typeof vector?.encapsulatedRequest === 'string') {
      yield [`${title}: key configuration`, () => checkKeyConfig(vector)]
      yield [`${title}: derivation`, () => checkDerivation(vector)]
      yield [`${title}: client`, () => checkClient(vector)]
      yield [`${title}: gateway`, () => checkGateway(vector)]
    } else if (typeof vector?.role === 'string' && typeof vector?.bytes === 'string') {
      yield [title, () => checkMessage(vector)]
    } else if (typeof vector?.bytes === 'string' && typeof vector?.expect === 'string') {
      yield [title, () => checkKeyConfigs(vector)]
    } else yield unknownShape(`vector ${index} of ${file.name}`)
  }
})

function checkKeyConfigs(v: {
  bytes: string
  expect: 'accept' | 'reject'
  configs?: number
  why: string
}): void {
  if (v.expect === 'reject')
    return expectRefused(v.why, () => parseKeyConfigs(fromHex(v.bytes)), 'OHTTP_KEY_CONFIG')
  const configs = parseKeyConfigs(fromHex(v.bytes))
  expectEqual('configurations', configs.length, v.configs)
  expectEqual('parsed again', parseKeyConfigs(encodeKeyConfigs(configs)).length, v.configs)
}

/** A configuration that lacks a byte of the vector's own public key is a misprint; it must be refused. */
function checkKeyConfig(v: Exchange): void | 'by design' {
  const bytes = fromHex(v.keyConfig)
  if (!v.keyConfig.includes(v.pkR)) {
    expectRefused('misprinted configuration', () => parseKeyConfig(bytes), 'OHTTP_KEY_CONFIG')
    return 'by design'
  }
  const { keyId, kemId, publicKey } = parseKeyConfig(bytes)
  expectEqual('key', [keyId, kemId, toHex(publicKey)], [v.keyId, v.kemId, v.pkR])
}

/** Every intermediate value that the vector names. */
function checkDerivation(v: Exchange): void {
  const suite = new HpkeSuite(v.kemId, v.kdfId, v.aeadId)
  const recipient = suite.kem.importPrivate(fromHex(v.skR))
  expectHex('pkR', recipient.publicKey, v.pkR)
  const secret = recipient.decap(fromHex(v.enc))
  expectHex('shared_secret', secret, v.shared_secret)
  const keys = suite.keySchedule({ info: fromHex(v.info) }, false)(secret)
  expectHex('hpke_key', keys.key, v.hpke_key)
  expectHex('hpke_base_nonce', keys.baseNonce, v.hpke_base_nonce)
  expectHex('exporter_secret', keys.exporterSecret, v.exporter_secret)
  expectEqual('salt', v.enc + v.responseNonce, v.salt)
  const { hash } = suite.kdf
  if (hash === undefined) throw new Error('the KDF has no Extract')
  const prk = crypto.hkdfExtract(hash, fromHex(v.salt), fromHex(v.secret))
  expectHex('prk', prk, v.prk)
  expectHex('aeadKey', crypto.hkdfExpand(hash, prk, utf8('key'), suite.aead.keyLength), v.aeadKey)
  expectHex('aeadNonce', crypto.hkdfExpand(hash, prk, utf8('nonce'), suite.aead.nonceLength), v.aeadNonce)
}

function checkClient(v: Exchange): void {
  const config = { keyId: v.keyId, kemId: v.kemId, publicKey: fromHex(v.pkR), algorithms: [v] }
  const request = clientRequest(config, v)
  expectHex('request', concat(...seal(request, v.request, v.requestChunks)), v.encapsulatedRequest)
  const response = request.openResponse(LIMITS)
  expectEqual('response', open(response, fromHex(v.encapsulatedResponse), Infinity), v.response)
}

function checkGateway(v: Exchange): void {
  const isChunked = v.requestChunks !== undefined
  const key = new OhttpGatewayKey(v.keyId, kemById(v.kemId).importPrivate(fromHex(v.skR)), [v])
  for (const pieceLength of [Infinity, 1000]) {
    const opener = new OhttpRequestOpener({
      ...LIMITS,
      isChunked,
      findKey: (id) => (id === v.keyId ? key : undefined),
    })
    expectEqual('request', open(opener, fromHex(v.encapsulatedRequest), pieceLength), v.request)
    const response = opener.respond({ ...LIMITS, insecureResponseNonce: fromHex(v.responseNonce) })
    expectHex('response', concat(...seal(response, v.response, v.responseChunks)), v.encapsulatedResponse)
  }
}

/** A message for one role, whole and in small pieces: both must be refused, or both opened. */
function checkMessage(v: Refusal): void {
  const { kemId = HPKE_KEM.DHKEM_X25519, kdfId = HPKE_KDF.HKDF_SHA256, aeadId, keyId } = v
  const isChunked = v.kind === 'chunked'
  const bytes = fromHex(v.bytes)
  const privateKey = kemById(kemId).importPrivate(fromHex(v.skR))
  const key = new OhttpGatewayKey(keyId, privateKey, [{ kdfId, aeadId }])
  for (const pieceLength of [Infinity, bytes.length < 4096 ? 1 : 999]) {
    const start = (): Opener =>
      v.role === 'client'
        ? clientRequest(key.config, { ...v, kdfId }, isChunked).openResponse(LIMITS)
        : new OhttpRequestOpener({ ...LIMITS, isChunked, findKey: (id) => (id === keyId ? key : undefined) })
    if (v.expect === 'reject') expectRefused(v.why, () => open(start(), bytes, pieceLength), ...REFUSALS)
    else
      expectEqual(
        'plaintext',
        open(start(), bytes, pieceLength),
        v.role === 'client' ? v.response : v.request,
      )
  }
}

interface Opener {
  push(piece: Uint8Array): Uint8Array[]
  finish(): Uint8Array[]
}

function clientRequest(
  config: OhttpKeyConfig,
  v: { kdfId: number; aeadId: number; skE: string; requestChunks?: Chunk[] },
  isChunked: boolean = v.requestChunks !== undefined,
): OhttpRequestSealer {
  return new OhttpClientKey(config, v).request({
    ...LIMITS,
    isChunked,
    insecureFixedRandomness: { skE: fromHex(v.skE) },
  })
}

function seal(
  sealer: { seal(plaintext: Uint8Array): Uint8Array[]; end(plaintext?: Uint8Array): Uint8Array[] },
  plaintext: string,
  chunks: Chunk[] | undefined,
): Uint8Array[] {
  if (chunks === undefined) return sealer.end(fromHex(plaintext))
  return chunks.flatMap((chunk) =>
    chunk.final ? sealer.end(fromHex(chunk.plaintext)) : sealer.seal(fromHex(chunk.plaintext)),
  )
}

function open(opener: Opener, bytes: Uint8Array, pieceLength: number): string {
  const out: Uint8Array[] = []
  const step = Math.min(pieceLength, Math.max(bytes.length, 1))
  for (let offset = 0; offset < bytes.length; offset += step)
    out.push(...opener.push(bytes.subarray(offset, offset + step)))
  out.push(...opener.finish())
  return toHex(concat(...out))
}
