import { concat, uint } from '../bytes/index.ts'
import { crypto, type Sha2Name, type XofName } from '../crypto-backend/index.ts'
import { badInput, unsupported } from './errors.ts'
import { HPKE_KDF } from './ids.ts'
import {
  expandInfo,
  extractPrefix,
  labeledDerive,
  labeledExpand,
  labeledExtract,
  lengthPrefixed,
} from './labeled.ts'

/** What the key schedule gives (RFC 9180 Section 5.1). */
export interface KeyScheduleResult {
  readonly key: Uint8Array
  readonly baseNonce: Uint8Array
  readonly exporterSecret: Uint8Array
}

/** Everything the key schedule takes besides the shared secret. */
export interface KeyScheduleInput {
  readonly suiteId: Uint8Array
  readonly mode: number
  readonly info: Uint8Array
  readonly psk: Uint8Array
  readonly pskId: Uint8Array
  /** Nk and Nn in bytes. */
  readonly keyLength: number
  readonly nonceLength: number
}

/** A KDF of HPKE. */
export interface HpkeKdf {
  readonly id: number
  /** The hash of an HKDF; undefined for a one-stage KDF, which has no Extract and Expand. */
  readonly hash: Sha2Name | undefined
  /** Does the part of the key schedule that does not depend on the shared secret. */
  prepare(input: KeyScheduleInput): (sharedSecret: Uint8Array) => KeyScheduleResult
  /** Export (RFC 9180 Section 5.3). */
  export(suiteId: Uint8Array, exporterSecret: Uint8Array, context: Uint8Array, length: number): Uint8Array
}

/** Inputs and outputs of one-stage KDFs carry two-byte lengths. */
const MAX_ONE_STAGE_LENGTH = 0xffff
/** Far below every limit of RFC 9180 Section 7.2.1; nobody needs more, and the caller may be hostile. */
const MAX_INPUT_LENGTH = 0x10000
const EMPTY = new Uint8Array(0)

const KDFS: readonly HpkeKdf[] = [
  twoStage(HPKE_KDF.HKDF_SHA256, 'sha256', 32),
  twoStage(HPKE_KDF.HKDF_SHA384, 'sha384', 48),
  twoStage(HPKE_KDF.HKDF_SHA512, 'sha512', 64),
  oneStage(HPKE_KDF.SHAKE128, 'shake128', 32),
  oneStage(HPKE_KDF.SHAKE256, 'shake256', 64),
  oneStage(HPKE_KDF.TURBOSHAKE128, 'turboshake128', 32),
  oneStage(HPKE_KDF.TURBOSHAKE256, 'turboshake256', 64),
]

/** KDF of an identifier. @throws `HPKE_UNSUPPORTED` */
export function kdfById(id: number): HpkeKdf {
  const kdf = KDFS.find((one) => one.id === id)
  if (kdf === undefined) throw unsupported('KDF', id)
  return kdf
}

/** HKDF: CombineSecrets_TwoStage, which is the KeySchedule of RFC 9180 Section 5.1. */
function twoStage(id: number, hash: Sha2Name, hashLength: number): HpkeKdf {
  return {
    id,
    hash,
    prepare({ suiteId, mode, info, psk, pskId, keyLength, nonceLength }) {
      for (const input of [info, psk, pskId]) requireLength(input.length, MAX_INPUT_LENGTH)
      const pskIdHash = labeledExtract(hash, suiteId, EMPTY, 'psk_id_hash', pskId)
      const infoHash = labeledExtract(hash, suiteId, EMPTY, 'info_hash', info)
      const context = concat(uint(mode, 1), pskIdHash, infoHash)
      const secretIkm = concat(extractPrefix(suiteId, 'secret'), psk)
      const keyInfo = expandInfo(suiteId, 'key', context, keyLength)
      const nonceInfo = expandInfo(suiteId, 'base_nonce', context, nonceLength)
      const exporterInfo = expandInfo(suiteId, 'exp', context, hashLength)
      return (sharedSecret) => {
        const secret = crypto.hkdfExtract(hash, sharedSecret, secretIkm)
        return {
          key: keyLength === 0 ? EMPTY : crypto.hkdfExpand(hash, secret, keyInfo, keyLength),
          baseNonce: nonceLength === 0 ? EMPTY : crypto.hkdfExpand(hash, secret, nonceInfo, nonceLength),
          exporterSecret: crypto.hkdfExpand(hash, secret, exporterInfo, hashLength),
        }
      }
    },
    export(suiteId, exporterSecret, context, length) {
      requireLength(context.length, MAX_INPUT_LENGTH)
      requireLength(length, 255 * hashLength)
      return labeledExpand(hash, suiteId, exporterSecret, 'sec', context, length)
    },
  }
}

/** SHAKE and TurboSHAKE: CombineSecrets_OneStage (draft-ietf-hpke-hpke Section 5.1). */
function oneStage(id: number, xof: XofName, hashLength: number): HpkeKdf {
  return {
    id,
    hash: undefined,
    prepare({ suiteId, mode, info, psk, pskId, keyLength, nonceLength }) {
      for (const input of [info, psk, pskId]) requireLength(input.length, MAX_ONE_STAGE_LENGTH)
      const context = concat(uint(mode, 1), lengthPrefixed(pskId), lengthPrefixed(info))
      const pskPart = lengthPrefixed(psk)
      const length = keyLength + nonceLength + hashLength
      return (sharedSecret) => {
        const secrets = concat(pskPart, lengthPrefixed(sharedSecret))
        const secret = labeledDerive(xof, suiteId, secrets, 'secret', context, length)
        return {
          key: secret.subarray(0, keyLength),
          baseNonce: secret.subarray(keyLength, keyLength + nonceLength),
          exporterSecret: secret.subarray(keyLength + nonceLength),
        }
      }
    },
    export(suiteId, exporterSecret, context, length) {
      requireLength(context.length, MAX_ONE_STAGE_LENGTH)
      requireLength(length, MAX_ONE_STAGE_LENGTH)
      return labeledDerive(xof, suiteId, exporterSecret, 'sec', context, length)
    },
  }
}

function requireLength(length: number, max: number): void {
  if (!Number.isInteger(length) || length < 0 || length > max)
    throw badInput(`input or output is longer than ${max} bytes`)
}
