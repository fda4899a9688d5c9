import { fromBase64Url } from '@sotto/protocol/bytes'
import { type DsseEnvelope, parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  decodeDocument,
  documentDigest,
  type Ed25519Key,
  type KeySet,
  keySetDecoder,
  type KmsCertificate,
  kmsCertificateDecoder,
  PAYLOAD_TYPES,
} from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import { genesisOf } from '../identity/index.ts'
import type { KmsState } from '../state/index.ts'

/** What the log says about this KMS beyond what it already knew. */
export interface OwnHistory {
  /** Statement keys the log knows for our genesis, oldest first. */
  statementKeys: Ed25519Key[]
}

/**
 * Reads log entries for statements of our own genesis and compares them with the state (T11). Other
 * entries are anybody's and are skipped.
 * @throws `KMS_STATE_ROLLED_BACK` when the log holds a key set this state does not know: the store is
 * an old copy, and going on would give one epoch two sets
 */
export async function scanOwnHistory(
  state: KmsState,
  entries: AsyncIterable<{ entry: Uint8Array }>,
): Promise<OwnHistory> {
  const identity = state.identity!
  const rootKey = fromBase64Url(genesisOf(identity).rootKey)
  const statementKeys: Ed25519Key[] = [...(state.statementKeys ?? [])].toReversed()
  for await (const { entry } of entries) {
    const envelope = tryParse(entry)
    if (envelope?.payloadType === PAYLOAD_TYPES.kmsCertificate) {
      const certificate = verified<KmsCertificate>(envelope, [rootKey], kmsCertificateDecoder)
      if (certificate?.genesis === identity.digest && !statementKeys.includes(certificate.signingKey)) {
        statementKeys.push(certificate.signingKey)
      }
    } else if (envelope?.payloadType === PAYLOAD_TYPES.keySet) {
      const keySet = verified<KeySet>(envelope, statementKeys.map(fromBase64Url), keySetDecoder)
      if (keySet?.genesis === identity.digest) requireKnown(state, keySet)
    }
  }
  return { statementKeys }
}

function requireKnown(state: KmsState, keySet: KeySet): void {
  const digest = documentDigest(keySet)
  const known = [state.epoch, state.pending?.epoch].filter((epoch) => epoch !== undefined)
  const newest = Math.max(0, ...known.map((epoch) => epoch.number))
  const isOlder = keySet.epoch < newest && !known.some((epoch) => epoch.number === keySet.epoch)
  if (isOlder || known.some((epoch) => epoch.number === keySet.epoch && epoch.digest === digest)) return
  throw kmsError('KMS_STATE_ROLLED_BACK', 'the log knows a later state than the store', {
    expected: `epoch ${keySet.epoch}`,
    found: `epoch ${newest}`,
    hint: 'Restore the newest copy of the store, or begin with an empty one and a new genesis.',
  })
}

function tryParse(entry: Uint8Array): DsseEnvelope | undefined {
  try {
    return parseDsse(entry)
  } catch {
    return undefined
  }
}

function verified<T>(
  envelope: DsseEnvelope,
  keys: readonly Uint8Array[],
  decoder: Parameters<typeof decodeDocument<T>>[1],
): T | undefined {
  try {
    return decodeDocument(verifyDsse(envelope, envelope.payloadType, keys).payload, decoder)
  } catch {
    return undefined
  }
}
