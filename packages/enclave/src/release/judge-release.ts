import { equalBytes, fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  decodeDocument,
  PAYLOAD_TYPES,
  releasedKeysDecoder,
  releaseInfo,
  releaseReceiptDecoder,
  unwrapSecret,
  type Digest,
  type PublishedKey,
  type ReleasedKeys,
  type ReleaseReceipt,
  type ReleaseResponse,
} from '@sotto/protocol/keyrelease'
import { kemById, type KemPrivateKey } from '@sotto/protocol/hpke'
import { parseKeyConfig, OhttpGatewayKey } from '@sotto/protocol/ohttp'
import { type TrustedService } from '@sotto/verifier'
import type { HeldKey } from '../gateway/index.ts'
import { releaseError } from './errors.ts'

/** Every content key that was asked for, and that the logged receipt names. @throws `RELEASE_INVALID` */
export function contentKeys(
  released: ReleasedKeys,
  receipt: ReleaseReceipt,
  wanted: readonly string[],
): Map<string, Uint8Array> {
  const keys = new Map(released.artifacts.map(({ id, contentKey }) => [id, fromBase64Url(contentKey)]))
  const named = new Set(receipt.artifacts?.map(({ id }) => id))
  for (const id of wanted) {
    if (!keys.has(id)) throw releaseError('RELEASE_INVALID', 'a content key is missing', { expected: id })
    if (!named.has(id))
      throw releaseError('RELEASE_INVALID', 'the receipt does not name a content key', { expected: id })
  }
  return keys
}

/**
 * The KMS's receipt, which must name what was asked for.
 * @throws `RELEASE_INVALID`; `RELEASE_KMS_UNREACHABLE` when the KMS changed its keys meanwhile; `DSSE_*`, `JCS_*`
 */
export function checkReceipt(
  response: ReleaseResponse,
  service: TrustedService,
  evidence: Digest,
  receiptKey: string,
): ReleaseReceipt {
  const { payload } = verifyDsse(parseDsse(utf8(response.receipt.envelope)), PAYLOAD_TYPES.releaseReceipt, [
    service.signingKey,
  ])
  const receipt = decodeDocument(payload, releaseReceiptDecoder, 'receipt')
  for (const [field, expected] of [
    ['genesis', service.genesis],
    ['policy', service.keyPolicyDigest],
    ['evidence', evidence],
    ['receiptKey', receiptKey],
  ] as const) {
    if (receipt[field] !== expected)
      throw releaseError('RELEASE_INVALID', `the release receipt names another ${field}`, {
        expected,
        found: receipt[field],
      })
  }
  if (receipt.epoch !== service.keySet.epoch) {
    // The KMS rotated between the two answers: the next attempt sees one epoch.
    throw releaseError('RELEASE_KMS_UNREACHABLE', 'the KMS changed its keys meanwhile')
  }
  return receipt
}

/** The keys, unwrapped. @throws `RELEASE_INVALID` */
export function unwrap(
  response: ReleaseResponse,
  wrap: KemPrivateKey,
  info: { genesis: Digest; policy: Digest; evidence: Digest },
): ReleasedKeys {
  try {
    return decodeDocument(unwrapSecret(wrap, releaseInfo(info), response), releasedKeysDecoder, 'keys')
  } catch (cause) {
    throw releaseError('RELEASE_INVALID', 'the released keys are wrapped for somebody else', { cause })
  }
}

/**
 * The bundle we publish advertises the whole set: a key nobody holds would cost its users every
 * request, and one the receipt does not name would make their receipts worthless.
 */
export function requireEveryLiveKey(
  held: readonly HeldKey[],
  { keySet, keyPolicyDigest }: TrustedService,
  receipt: ReleaseReceipt,
  now: number,
): void {
  const ids = new Set(held.map(({ key }) => key.config.keyId))
  for (const { keyId, policy, notAfter } of keySet.keys) {
    if (policy !== keyPolicyDigest || notAfter < now) continue
    if (!ids.has(keyId) || !receipt.keyIds.includes(keyId)) {
      throw releaseError('RELEASE_INVALID', 'a live key of the published set was not released', {
        expected: `key ${keyId}`,
      })
    }
  }
}

/** A released key is used only if it belongs to a published configuration of the verified set. */
export function holdKey(
  keyId: number,
  privateKey: Uint8Array,
  { keySet, keyPolicyDigest }: TrustedService,
): HeldKey {
  const published: PublishedKey | undefined = keySet.keys.find((key) => key.keyId === keyId)
  if (!published || published.policy !== keyPolicyDigest)
    throw releaseError('RELEASE_INVALID', 'a released key is not in the published set', { found: `${keyId}` })
  const config = parseKeyConfig(fromBase64Url(published.config))
  const key = new OhttpGatewayKey(keyId, kemById(config.kemId).importPrivate(privateKey), config.algorithms)
  privateKey.fill(0)
  if (!equalBytes(key.config.publicKey, config.publicKey)) {
    throw releaseError('RELEASE_INVALID', 'a released key is not the private key of its configuration', {
      expected: toBase64Url(config.publicKey).slice(0, 16),
    })
  }
  return { key, policy: published.policy, notAfter: published.notAfter }
}
