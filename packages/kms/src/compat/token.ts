import { constants, createPublicKey, publicEncrypt } from 'node:crypto'
import { fromBase64Url } from '@sotto/protocol/bytes'
import type { JsonObject } from '@sotto/protocol/jose'
import type { AdmissionTuple, KeyReleasePolicy, UnixSeconds } from '@sotto/protocol/keyrelease'
import { appraiseEvidence } from '@sotto/verifier/appraisal'
import { parseMaaToken } from '@sotto/verifier/maa'
import { hardwareOf, platformPolicy } from '@sotto/verifier/workload'
import { kmsError } from '../errors.ts'

/** A workload whose token one tuple admits as a whole, and the key of its TPM. */
export interface AdmittedToken {
  tuple: string
  hardware: string[]
  wrapKey: TpmKey
}

/** The RSA key that the token vouches for: its private half is in the TPM, bound to what was measured. */
export interface TpmKey {
  modulus: Uint8Array
  /** RSA-OAEP with SHA-256. */
  wrap(secret: Uint8Array): Uint8Array
}

/** Of the key in the runtime claims that a guest's TPM made for its measured state. */
const KEY_NAME = 'TpmEphemeralEncryptionKey'
const MIN_MODULUS_BYTES = 256
const MAX_MODULUS_BYTES = 512

/** The tuples that a token alone can satisfy. */
export function tokenTuples(policy: KeyReleasePolicy): AdmissionTuple[] {
  return policy.anyOf
    .filter(
      ({ role, allOf }) => role === 'inference' && allOf.length === 1 && allOf[0]!.family === 'azure-maa',
    )
    .map(({ role: _role, ...tuple }) => tuple)
}

/** Providers that these tuples name: the only ones whose keys are ever fetched. */
export function issuersOf(tuples: readonly AdmissionTuple[]): string[] {
  const entries = tuples.flatMap(({ allOf }) => (allOf[0]!['issuers'] ?? []) as readonly unknown[])
  return entries.flatMap((entry) => {
    const value = typeof entry === 'string' ? entry : (entry as { value?: unknown }).value
    return typeof value === 'string' ? [value] : []
  })
}

/**
 * Judges a token by whole tuples: the values of two never mix. Tokens are not bound to a checkpoint, so that their
 * own age counts, and the signing keys have to stand in the tuple: nobody's key set is believed.
 * @throws `KMS_TOKEN_REFUSED` when it is not authentic, or vouches for no key; `KMS_NOT_ADMITTED`
 */
export function admitToken(
  token: Uint8Array,
  keySet: Uint8Array,
  policy: KeyReleasePolicy,
  at: UnixSeconds,
): AdmittedToken {
  const platforms = tokenTuples(policy)
  if (platforms.length === 0)
    throw kmsError('KMS_NOT_ADMITTED', 'no tuple of the policy admits attestation tokens')
  const appraisal = appraiseEvidence(
    [{ family: 'azure-maa', evidence: token, collateral: { keys: keySet } }],
    { ...platformPolicy({ ...policy, platforms }), freshness: 'age' },
    { at },
  )
  const pieces = appraisal.tuples.at(-1)?.pieces ?? []
  if (!appraisal.admitted) {
    const judged = appraisal.tuples.flatMap((tuple) => tuple.pieces)
    throw judged.some(({ authentic }) => authentic)
      ? kmsError('KMS_NOT_ADMITTED', 'no tuple of the policy admits this workload as a whole')
      : kmsError('KMS_TOKEN_REFUSED', 'the attestation token is not authentic')
  }
  const { claims } = parseMaaToken(token)
  return { tuple: appraisal.tuple!, hardware: hardwareOf(pieces), wrapKey: tpmKeyOf(claims) }
}

function tpmKeyOf(claims: JsonObject): TpmKey {
  const runtime = claims['x-ms-runtime'] as { keys?: unknown } | undefined
  const keys = Array.isArray(runtime?.keys) ? (runtime.keys as unknown[]) : []
  const named = keys.filter((key) => (key as { kid?: unknown } | null)?.kid === KEY_NAME)
  const [jwk] = named as { kty?: unknown; n?: unknown; e?: unknown }[]
  if (named.length !== 1 || jwk?.kty !== 'RSA' || typeof jwk.n !== 'string' || jwk.e !== 'AQAB')
    throw kmsError('KMS_TOKEN_REFUSED', 'the attestation token vouches for no key to wrap to', {
      expected: `one RSA key ${KEY_NAME} in x-ms-runtime.keys`,
    })
  try {
    const modulus = fromBase64Url(jwk.n)
    if (modulus.length < MIN_MODULUS_BYTES || modulus.length > MAX_MODULUS_BYTES || modulus[0]! < 0x80)
      throw new Error('the modulus has another length')
    const key = createPublicKey({ key: { kty: 'RSA', n: jwk.n, e: jwk.e }, format: 'jwk' })
    const wrap = (secret: Uint8Array): Uint8Array =>
      new Uint8Array(
        publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, secret),
      )
    return { modulus, wrap }
  } catch (cause) {
    throw kmsError('KMS_TOKEN_REFUSED', 'the key of the attestation token is none to wrap to', { cause })
  }
}
