import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
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

/** Makes the root key and signs the genesis with it: once in the life of a KMS, inside its TEE (T1). @throws `JCS_FIELD` for a configuration that makes no genesis */
export function createIdentity(config: KmsConfig, now: UnixSeconds): Identity {
  const { seed, publicKey } = crypto.ed25519.generate()
  const genesis: Genesis = {
    version: 1,
    ...fixedByGenesis(config),
    rootKey: toBase64Url(publicKey),
    createdAt: now,
  }
  const payload = encodeDocument(genesis)
  // What clients would refuse must not become an identity for ever.
  decodeDocument(payload, genesisDecoder, 'genesis')
  const envelope = fromUtf8(signDsse(PAYLOAD_TYPES.genesis, payload, [{ publicKey, secretSeed: seed }]))
  return { rootSeed: seed, genesis: { envelope }, digest: documentDigest(payload) }
}

/** The genesis document of an identity. */
export function genesisOf(identity: Identity): Genesis {
  const { payload } = parseDsse(utf8(identity.genesis.envelope))
  return decodeDocument(payload, genesisDecoder, 'genesis')
}

/**
 * A genesis never changes: whoever edits members, threshold, log or witnesses in the configuration
 * has to start another KMS, which clients will not take for this one.
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
  const { name, members, threshold, releaseKeys, log, witnesses } = config
  return { name, members, threshold, releaseKeys, log: { origin: log.origin, key: log.key }, witnesses }
}
