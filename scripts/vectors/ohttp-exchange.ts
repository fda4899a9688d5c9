import { concat, fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { HpkeSuite, kemById } from '@sotto/protocol/hpke'
import {
  encodeKeyConfig,
  OhttpGatewayKey,
  type OhttpKeyConfig,
  OhttpRequestOpener,
  parseKeyConfig,
} from '@sotto/protocol/ohttp'
import { expectEqual, expectHex, expectRefused, type VectorCase } from './harness.ts'
import { clientRequest, limitsOf, open } from './ohttp-message.ts'

/** A request and its response with every value on the way. */
interface Exchange {
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

const HEADER_LENGTH = 7

export function* exchangeCases(title: string, v: Exchange): Generator<[string, VectorCase['run']]> {
  yield [`${title}: key configuration`, () => checkKeyConfig(v)]
  yield [`${title}: derivation`, () => checkDerivation(v)]
  yield [`${title}: client`, () => checkClient(v)]
  yield [`${title}: gateway`, () => checkGateway(v)]
}

function checkKeyConfig(v: Exchange): void | 'by design' {
  const bytes = fromHex(v.keyConfig)
  if (isMisprint(v)) {
    expectRefused('misprinted configuration', () => parseKeyConfig(bytes), 'OHTTP_KEY_CONFIG')
    return 'by design'
  }
  const config = parseKeyConfig(bytes)
  checkConfigOf(v, config)
  expectHex('encoding', encodeKeyConfig(config), v.keyConfig)
}

function checkConfigOf(v: Exchange, { keyId, kemId, publicKey, algorithms }: OhttpKeyConfig): void {
  expectEqual('key', [keyId, kemId, toHex(publicKey)], [v.keyId, v.kemId, v.pkR])
  const isOffered = algorithms.some(({ kdfId, aeadId }) => kdfId === v.kdfId && aeadId === v.aeadId)
  if (!isOffered) throw new Error('the configuration does not offer the algorithms of the exchange')
}

/** True for the vector's own configuration with one byte of the public key left out, as one draft prints it. */
function isMisprint(v: Exchange): boolean {
  for (let at = 0; at < v.pkR.length; at += 2) {
    const split = 2 * 3 + at
    const whole = v.keyConfig.slice(0, split) + v.pkR.slice(at, at + 2) + v.keyConfig.slice(split)
    try {
      checkConfigOf(v, parseKeyConfig(fromHex(whole)))
      return true
    } catch {
      // Not this byte.
    }
  }
  return false
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
  const limits = limitsOf(v.encapsulatedRequest, v.encapsulatedResponse)
  const request = clientRequest(config, v, isChunked(v), limits)
  const sealed = seal(request, v.request, v.requestChunks, HEADER_LENGTH + v.enc.length / 2)
  expectHex('request', sealed, v.encapsulatedRequest)
  const response = request.openResponse(limits)
  expectEqual('response', open(response, fromHex(v.encapsulatedResponse), Infinity), v.response)
}

function checkGateway(v: Exchange): void {
  const key = new OhttpGatewayKey(v.keyId, kemById(v.kemId).importPrivate(fromHex(v.skR)), [v])
  const limits = limitsOf(v.encapsulatedRequest, v.encapsulatedResponse)
  for (const pieceLength of [Infinity, 1000]) {
    const opener = new OhttpRequestOpener({
      ...limits,
      isChunked: isChunked(v),
      findKey: (id) => (id === v.keyId ? key : undefined),
    })
    expectEqual('request', open(opener, fromHex(v.encapsulatedRequest), pieceLength), v.request)
    const response = opener.respond({ ...limits, insecureResponseNonce: fromHex(v.responseNonce) })
    const sealed = seal(response, v.response, v.responseChunks, v.responseNonce.length / 2)
    expectHex('response', sealed, v.encapsulatedResponse)
  }
}

function isChunked(v: Exchange): boolean {
  if ((v.requestChunks === undefined) !== (v.responseChunks === undefined))
    throw new Error('only one of request and response is chunked')
  return v.requestChunks !== undefined
}

/** Seals a message, chunk by chunk as the vector cuts it. Before the first chunk comes a prefix of its own. */
function seal(
  sealer: { seal(plaintext: Uint8Array): Uint8Array[]; end(plaintext?: Uint8Array): Uint8Array[] },
  plaintext: string,
  chunks: Chunk[] | undefined,
  prefixLength: number,
): Uint8Array {
  if (chunks === undefined) return concat(...sealer.end(fromHex(plaintext)))
  expectEqual('plaintext of the chunks', chunks.map((chunk) => chunk.plaintext).join(''), plaintext)
  const sealed: Uint8Array[] = []
  for (const [index, chunk] of chunks.entries()) {
    expectEqual(`chunk ${index} is final`, chunk.final, index === chunks.length - 1)
    const bytes = fromHex(chunk.plaintext)
    const part = concat(...(chunk.final ? sealer.end(bytes) : sealer.seal(bytes)))
    expectHex(`chunk ${index}`, index === 0 ? part.subarray(prefixLength) : part, chunk.framed)
    sealed.push(part)
  }
  return concat(...sealed)
}
