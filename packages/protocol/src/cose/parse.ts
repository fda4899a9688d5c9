import { type CborKey, type CborMap, CborTag, type CborValue, decodeCbor } from '../cbor/index.ts'
import { coseError } from './errors.ts'

/** CBOR tag of a COSE_Sign1 message (RFC 9052 Section 4.2). */
export const COSE_SIGN1_TAG = 18

/** Labels of header parameters (RFC 9052 Section 3.1, RFC 9360 Section 2). */
export const COSE_HEADER = { alg: 1, crit: 2, contentType: 3, kid: 4, x5chain: 33 } as const

/** Longest chain in `x5chain`; those in use have 3 certificates. */
const MAX_CERTIFICATES = 16

/** Bounds of {@link parseCoseSign1}, and what the caller understands. */
export interface CoseOptions {
  /** Longest accepted message. Default 65536. */
  maxBytes?: number
  /** Critical header parameters that the caller acts on. Default none: `crit` is refused. */
  understood?: readonly CborKey[]
}

/** A COSE_Sign1 message (RFC 9052 Section 4.2). Structure only: authentic after `verifyCoseSign1`. */
export interface CoseSign1 {
  /** Tag 18 stood before the message; which of both forms a format uses is its own matter. */
  tagged: boolean
  /** Protected header, signed. */
  protectedHeader: CborMap
  /** Unprotected header: whoever passed the message on may have written it. */
  unprotectedHeader: CborMap
  /** The protected header as it was encoded, which is what the signature covers. */
  protectedBytes: Uint8Array
  /** Algorithm of the protected header (RFC 9053). */
  alg: number
  /** Certificates of `x5chain` (RFC 9360), leaf first, where they are signed. Proven is nothing about them. */
  protectedChain?: readonly Uint8Array[]
  /** The same, where they are not signed. */
  unprotectedChain?: readonly Uint8Array[]
  payload: Uint8Array
  signature: Uint8Array
}

/**
 * Structure of a COSE_Sign1 message that anybody may have written: strict CBOR, four parts, an
 * algorithm in the protected header, no header parameter in both headers, no critical parameter that
 * is not understood, a payload inside.
 *
 * @throws `COSE_MALFORMED`, `COSE_UNSUPPORTED`, `CBOR_MALFORMED`, `CBOR_UNSUPPORTED` (fix-input)
 */
export function parseCoseSign1(bytes: Uint8Array, options: CoseOptions = {}): CoseSign1 {
  const { payload, ...message } = parseParts(bytes, options)
  if (payload === null) throw coseError('COSE_UNSUPPORTED', 'message has its payload elsewhere')
  return { ...message, payload }
}

/**
 * The same of a message whose payload is elsewhere (RFC 9052 Section 2: nil stands in its place). Whoever
 * knows the payload puts it in and verifies the whole.
 *
 * @throws as {@link parseCoseSign1}; `COSE_MALFORMED` for a payload inside
 */
export function parseDetachedCoseSign1(
  bytes: Uint8Array,
  options: CoseOptions = {},
): Omit<CoseSign1, 'payload'> {
  const { payload, ...message } = parseParts(bytes, options)
  if (payload !== null) throw wrong('payload', 'nil: it is elsewhere')
  return message
}

type Parts = Omit<CoseSign1, 'payload'> & { payload: Uint8Array | null }

function parseParts(bytes: Uint8Array, options: CoseOptions): Parts {
  const limits = options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }
  const item = decodeCbor(bytes, limits)
  const tagged = item instanceof CborTag
  if (tagged && item.tag !== COSE_SIGN1_TAG)
    throw coseError('COSE_MALFORMED', 'message has another tag', `${COSE_SIGN1_TAG}`, `${item.tag}`)
  const parts: CborValue = tagged ? item.value : item
  if (!Array.isArray(parts) || parts.length !== 4) throw wrong('message', 'an array of four')
  const [protectedBytes, unprotectedHeader, payload, signature] = parts as readonly CborValue[]
  if (!(protectedBytes instanceof Uint8Array)) throw wrong('protected header', 'a byte string')
  // An empty one is allowed by the RFC and useless here: the algorithm must be signed.
  const protectedHeader = protectedBytes.length === 0 ? undefined : decodeCbor(protectedBytes, limits)
  if (!isMap(protectedHeader) || protectedHeader.size === 0)
    throw wrong('protected header', 'a map with the algorithm')
  if (!isMap(unprotectedHeader)) throw wrong('unprotected header', 'a map')
  requireHeaders(protectedHeader, unprotectedHeader, options.understood ?? [])
  const alg = protectedHeader.get(COSE_HEADER.alg)
  if (typeof alg !== 'number') throw wrong('alg', 'a number in the protected header')
  if (payload !== null && !(payload instanceof Uint8Array)) throw wrong('payload', 'a byte string')
  if (!(signature instanceof Uint8Array) || signature.length === 0) throw wrong('signature', 'a byte string')
  const protectedChain = x5chain(protectedHeader)
  const unprotectedChain = x5chain(unprotectedHeader)
  return {
    tagged,
    protectedHeader,
    unprotectedHeader,
    protectedBytes,
    alg,
    ...(protectedChain && { protectedChain }),
    ...(unprotectedChain && { unprotectedChain }),
    payload,
    signature,
  }
}

/** Rules about both headers together (RFC 9052 Sections 3 and 3.1). */
function requireHeaders(signed: CborMap, unsigned: CborMap, understood: readonly CborKey[]): void {
  for (const label of unsigned.keys())
    if (signed.has(label)) throw coseError('COSE_MALFORMED', 'a header parameter stands in both headers')
  if (unsigned.has(COSE_HEADER.crit)) throw wrong('crit', 'in the protected header')
  if (!signed.has(COSE_HEADER.crit)) return
  const crit = signed.get(COSE_HEADER.crit) as CborValue
  if (!Array.isArray(crit) || crit.length === 0) throw wrong('crit', 'a list of labels')
  for (const label of crit as readonly CborValue[]) {
    if (!signed.has(label as CborKey)) throw wrong('crit', 'labels of the protected header')
    if (!understood.includes(label as CborKey))
      throw coseError('COSE_UNSUPPORTED', 'a critical header parameter is not understood')
  }
}

/** COSE_X509 (RFC 9360 Section 2): one certificate, or a list of two and more. */
function x5chain(header: CborMap): readonly Uint8Array[] | undefined {
  const value = header.get(COSE_HEADER.x5chain)
  if (value === undefined) return undefined
  if (value instanceof Uint8Array && value.length > 0) return [value]
  const isChain =
    Array.isArray(value) &&
    value.length >= 2 &&
    value.length <= MAX_CERTIFICATES &&
    value.every((item) => item instanceof Uint8Array && item.length > 0)
  if (!isChain) throw wrong('x5chain', `one certificate, or a list of 2 to ${MAX_CERTIFICATES}`)
  return value as readonly Uint8Array[]
}

function isMap(value: CborValue | undefined): value is CborMap {
  return value instanceof Map
}

function wrong(what: string, expected: string): Error {
  return coseError('COSE_MALFORMED', `${what} is malformed`, expected)
}
