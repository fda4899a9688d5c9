import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { type DsseSigner, parseDsse, signDsse } from '@sotto/protocol/dsse'
import {
  decodeDocument,
  documentDigest,
  encodeDocument,
  type Genesis,
  genesisDecoder,
  PAYLOAD_TYPES,
  type UnixSeconds,
} from '@sotto/protocol/keyrelease'
import type { KmsConfig } from '../config/index.ts'
import { kmsError } from '../errors.ts'
import type { Identity } from '../state/index.ts'

/** Makes the genesis and signs it with the first root key: once in the life of a KMS, inside its TEE (T1). @throws `JCS_FIELD` for a configuration that makes no genesis */
export function createIdentity(config: KmsConfig, root: DsseSigner, now: UnixSeconds): Identity {
  const genesis: Genesis = {
    version: 1,
    ...fixedByGenesis(config),
    rootKey: toBase64Url(root.publicKey),
    createdAt: now,
  }
  const payload = encodeDocument(genesis)
  // What clients would refuse must not become an identity for ever.
  decodeDocument(payload, genesisDecoder, 'genesis')
  const envelope = fromUtf8(signDsse(PAYLOAD_TYPES.genesis, payload, [root]))
  return { genesis: { envelope }, digest: documentDigest(payload) }
}

/** The genesis document of an identity. */
export function genesisOf(identity: Identity): Genesis {
  const { payload } = parseDsse(utf8(identity.genesis.envelope))
  return decodeDocument(payload, genesisDecoder, 'genesis')
}

/**
 * A genesis never changes: whoever edits what it says in the configuration has to start another KMS,
 * which clients will not take for this one. Members change what is in force by a constitution.
 * @throws `KMS_GENESIS_MISMATCH`
 */
export function requireSameGenesis(identity: Identity, config: KmsConfig): void {
  const stored = genesisOf(identity) as unknown as Record<string, unknown>
  for (const [name, value] of Object.entries(fixedByGenesis(config))) {
    if (documentDigest({ value }) === documentDigest({ value: stored[name] })) continue
    throw kmsError('KMS_GENESIS_MISMATCH', 'the configuration contradicts the genesis of this store', {
      found: name,
      hint: `Put ${name} back as it was, or begin with an empty store and a new genesis.`,
    })
  }
}

function fixedByGenesis(config: KmsConfig): Omit<Genesis, 'version' | 'rootKey' | 'createdAt'> {
  const { name, members, threshold, releaseKeys, timing, log, witnesses } = config
  return {
    name,
    members,
    threshold,
    releaseKeys,
    rotation: timing,
    log: { origin: log.origin, key: log.key },
    witnesses,
  }
}
