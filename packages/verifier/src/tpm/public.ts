import { concat, uint } from '@sotto/protocol/bytes'
import { publicCrypto, type RsaPublicKey } from '@sotto/protocol/crypto-backend'
import { TPM_ALG, tpmHash } from './algorithms.ts'
import { malformedTpm, tpmConstant } from './errors.ts'
import { TpmReader } from './reader.ts'
import { MAX_RSA_BYTES } from './signature.ts'

/** Bits of TPMA_OBJECT (Part 2, Section 8.3) that decide what a signature of the key proves. */
export const TPMA_OBJECT = {
  fixedTPM: 1 << 1,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
} as const
/** Bits 0, 3, 12 to 15 and 20 to 31, which no revision up to 1.83 gives a meaning. */
const RESERVED_ATTRIBUTES = 0b1111_1111_1111_0000_1111_0000_0000_1001
/** Exponent that 0 stands for (Part 2, Section 12.2.3.5). */
const DEFAULT_EXPONENT = 0x10001
const KEY_BITS: readonly number[] = [2048, 3072, 4096]

/** TPMT_PUBLIC of an RSA key (Part 2, Section 12.2.4). */
export interface RsaPublicArea {
  nameAlg: number
  /** See {@link TPMA_OBJECT}. */
  objectAttributes: number
  authPolicy: Uint8Array
  /** Signing scheme and its hash; undefined for TPM_ALG_NULL: the caller chooses with each signature. */
  scheme: { algorithm: number; hash: number } | undefined
  keyBits: number
  key: RsaPublicKey
}

/**
 * Reads TPMT_PUBLIC of an RSA key that may have come from anybody.
 *
 * @throws `EVIDENCE_MALFORMED`, `BYTES_TRUNCATED`, `BYTES_TRAILING`
 */
export function parseRsaPublic(bytes: Uint8Array): RsaPublicArea {
  const reader = new TpmReader(bytes)
  const type = reader.uint(2)
  if (type !== TPM_ALG.RSA)
    throw malformedTpm('key of another type', tpmConstant(TPM_ALG.RSA), tpmConstant(type))
  const nameAlg = reader.uint(2)
  const objectAttributes = reader.uint(4)
  if ((objectAttributes & RESERVED_ATTRIBUTES) !== 0)
    throw malformedTpm('reserved attributes of a key are set', '0', tpmConstant(objectAttributes, 4))
  const authPolicy = reader.sized(64, 'authPolicy')
  skipSymmetric(reader)
  const scheme = readScheme(reader)
  const keyBits = reader.uint(2)
  if (!KEY_BITS.includes(keyBits))
    throw malformedTpm('RSA key of another length', KEY_BITS.join(', '), `${keyBits}`)
  const exponent = reader.uint(4) || DEFAULT_EXPONENT
  const modulus = reader.sized(MAX_RSA_BYTES, 'the modulus')
  reader.end()
  if (modulus.length !== keyBits / 8 || modulus[0]! < 0x80)
    throw malformedTpm('the modulus is no number of that length', `${keyBits} bits`)
  return {
    nameAlg,
    objectAttributes,
    authPolicy,
    scheme,
    keyBits,
    key: { modulus, exponent: minimal(exponent) },
  }
}

/**
 * Name of an object: the algorithm and the digest of its public area (Part 1, Section 16). A quote names
 * its signer by the qualified name, which depends on the parents, so that only a TPM can compare the two.
 *
 * @throws `EVIDENCE_MALFORMED` for a hash that is not accepted
 */
export function objectName(publicArea: Uint8Array, nameAlg: number): Uint8Array {
  const hash = tpmHash(nameAlg)
  if (hash === undefined) throw malformedTpm('name of another hash', undefined, tpmConstant(nameAlg))
  return concat(uint(nameAlg, 2), publicCrypto.hash(hash.name, publicArea))
}

/**
 * Whether only what a TPM made itself is signed with this key, and the key has never been outside of it:
 * what makes a signature over a quote mean something.
 */
export function isAttestationKey({ objectAttributes }: Pick<RsaPublicArea, 'objectAttributes'>): boolean {
  const { fixedTPM, fixedParent, sensitiveDataOrigin, restricted, sign, decrypt } = TPMA_OBJECT
  const needed = fixedTPM | fixedParent | sensitiveDataOrigin | restricted | sign
  return (objectAttributes & (needed | decrypt)) === needed
}

/** TPMT_SYM_DEF_OBJECT: TPM_ALG_NULL for a signing key; storage keys name AES in CFB mode. */
function skipSymmetric(reader: TpmReader): void {
  const algorithm = reader.uint(2)
  if (algorithm === TPM_ALG.NULL) return
  if (algorithm !== TPM_ALG.AES)
    throw malformedTpm('symmetric algorithm is another', 'none or AES', tpmConstant(algorithm))
  reader.uint(2)
  reader.uint(2)
}

function readScheme(reader: TpmReader): RsaPublicArea['scheme'] {
  const algorithm = reader.uint(2)
  if (algorithm === TPM_ALG.NULL) return undefined
  if (algorithm !== TPM_ALG.RSASSA && algorithm !== TPM_ALG.RSAPSS)
    throw malformedTpm('scheme of the key is another', 'none, RSASSA or RSAPSS', tpmConstant(algorithm))
  return { algorithm, hash: reader.uint(2) }
}

function minimal(exponent: number): Uint8Array {
  const bytes = uint(exponent, 4)
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0))
}
