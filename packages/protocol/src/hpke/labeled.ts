import { concat, uint, utf8 } from '../bytes/index.ts'
import { crypto, type Sha2Name, type XofName } from '../crypto-backend/index.ts'

const VERSION_LABEL = utf8('HPKE-v1')
const EMPTY = new Uint8Array(0)

/** The part of LabeledExtract's input that is known before the secret (RFC 9180 Section 4). */
export function extractPrefix(suiteId: Uint8Array, label: string): Uint8Array {
  return concat(VERSION_LABEL, suiteId, utf8(label))
}

/** LabeledExtract (RFC 9180 Section 4). */
export function labeledExtract(
  hash: Sha2Name,
  suiteId: Uint8Array,
  salt: Uint8Array,
  label: string,
  ikm: Uint8Array,
): Uint8Array {
  return crypto.hkdfExtract(hash, salt, extractPrefix(suiteId, label), ikm)
}

/** The `info` that LabeledExpand gives to HKDF-Expand; constant where the context is. */
export function expandInfo(suiteId: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array {
  return concat(uint(length, 2), VERSION_LABEL, suiteId, utf8(label), info)
}

/** LabeledExpand (RFC 9180 Section 4). */
export function labeledExpand(
  hash: Sha2Name,
  suiteId: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return crypto.hkdfExpand(hash, prk, expandInfo(suiteId, label, info, length), length)
}

/** LabeledDerive of one-stage KDFs (draft-ietf-hpke-hpke Section 4). */
export function labeledDerive(
  xof: XofName,
  suiteId: Uint8Array,
  ikm: Uint8Array,
  label: string,
  context: Uint8Array = EMPTY,
  length = 0,
): Uint8Array {
  return crypto.xof(
    xof,
    length,
    ikm,
    VERSION_LABEL,
    suiteId,
    lengthPrefixed(utf8(label)),
    uint(length, 2),
    context,
  )
}

/** Two bytes of length, then the bytes. */
export function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  return concat(uint(bytes.length, 2), bytes)
}
