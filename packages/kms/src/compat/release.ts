import { AZURE_PAYLOAD_TYPES, type AzureRelease, encodeReleasedKey } from '@sotto/protocol/azure-dialect'
import { fromBase64Url, toBase64, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { LoggedStatement, UnixSeconds } from '@sotto/protocol/keyrelease'
import { parseKeyConfig } from '@sotto/protocol/ohttp'
import { kmsError } from '../errors.ts'
import { logReceipt, type ReleaserContext } from '../release/index.ts'
import type { KmsState, RequestKey } from '../state/index.ts'
import { azureKeys } from './published.ts'
import type { AdmittedToken } from './token.ts'

/** One released key. */
export interface AzureReleaseAnswer {
  keyId: number
  /** RSA-OAEP of the CBOR key, base64. */
  wrapped: string
  /** Where the log has this release. */
  release: LoggedStatement
}

/**
 * Releases one key to the TPM that an admitted token vouches for, and to nothing else; the release is in the log
 * before the answer leaves.
 * @throws `KMS_KEY_UNKNOWN`, `KMS_KEY_EXPIRED`, and those of `logReceipt`
 */
export async function releaseToToken(
  keyId: number | undefined,
  token: Uint8Array,
  { tuple, hardware, wrapKey }: AdmittedToken,
  context: ReleaserContext,
): Promise<AzureReleaseAnswer> {
  const { state, policy, now } = context
  const key = findKey(state, keyId, now)
  const secret = encodeReleasedKey({
    keyId: key.keyId,
    publicKey: parseKeyConfig(fromBase64Url(key.config)).publicKey,
    privateKey: key.privateKey,
  })
  let wrapped: string
  try {
    wrapped = toBase64(wrapKey.wrap(secret))
  } finally {
    secret.fill(0)
  }
  const document: AzureRelease = {
    version: 1,
    genesis: state.identity!.digest,
    epoch: state.epoch!.number,
    keyId: key.keyId,
    policy: policy.digest,
    tuple,
    token: toHex(crypto.sha256(token)),
    hardware,
    wrapKey: toHex(crypto.sha256(wrapKey.modulus)),
    issuedAt: now,
    notAfter: key.destroyAt,
  }
  const release = await logReceipt(AZURE_PAYLOAD_TYPES.release, document, context)
  return { keyId: key.keyId, wrapped, release }
}

/** The key of an identifier, in its grace too; without one the newest. An identifier names one key at a time (T4). */
function findKey(state: KmsState, keyId: number | undefined, now: UnixSeconds): RequestKey {
  if (keyId === undefined) {
    const newest = azureKeys(state, now).at(-1)
    if (newest !== undefined) return newest
    throw kmsError('KMS_NOT_READY', 'there is no P-384 key now; new ones are being made')
  }
  const key = state.epoch?.keyIds.includes(keyId) === true ? state.keys.get(keyId) : undefined
  if (key?.kem === 'P-384' && key.destroyAt >= now) return key
  // Identifiers that were given out stay reserved for a while after their key is gone.
  if (key === undefined && Object.hasOwn(state.keyIds.busyUntil, keyId))
    throw kmsError('KMS_KEY_EXPIRED', 'the key of this identifier does not exist any more')
  throw kmsError('KMS_KEY_UNKNOWN', 'there is no P-384 key of this identifier')
}
