import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Decoder } from '@sotto/protocol/jcs'
import {
  artifactKeyImportDecoder,
  artifactKeyRemovalDecoder,
  enclaveBindingDecoder,
  evidenceDecoder,
  genesisDecoder,
  keySetDecoder,
  kmsBindingDecoder,
  kmsCertificateDecoder,
  loggedStatementDecoder,
  RELEASE_PREDICATE,
  releasedAppDecoder,
  releasedKeysDecoder,
  releaseReceiptDecoder,
  releaseRequestDecoder,
  releaseResponseDecoder,
  releaseStatementDecoder,
} from '@sotto/protocol/keyrelease'
import { verifierKeyOf } from '@sotto/protocol/note'

/** Digests, keys and times that are well-formed and mean nothing. */
export const DIGEST = 'ab'.repeat(32)
export const bytes = (length: number, fill = 1): string => toBase64Url(new Uint8Array(length).fill(fill))
const seed = crypto.sha256(new Uint8Array(1))
const logKey = verifierKeyOf({ name: 'log.example', secretSeed: seed }, 'ed25519')
export const witnessKey = (i: number): string =>
  verifierKeyOf({ name: `w${i}.example`, secretSeed: seed.map((b) => b ^ i) }, 'cosignature-v1')

const evidence = [{ family: 'software', evidence: bytes(1184), collateral: { root: bytes(97) } }]
const enclaveBinding = {
  version: 1,
  genesis: DIGEST,
  wrapKey: bytes(1216),
  receiptKey: bytes(32),
  checkpoint: DIGEST,
}
const logged = { envelope: '{}', index: 3 }
const release = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [
    { name: 'image', digest: { sha256: DIGEST } },
    { name: 'configuration', digest: { sha256: DIGEST } },
  ],
  predicateType: RELEASE_PREDICATE,
  predicate: {
    role: 'kms',
    version: '1.0.0',
    securityVersion: 1,
    evidence: { family: 'software' },
    createdAt: 5,
  },
}

/** One well-formed document of every kind, with its decoder. */
export const DOCUMENTS: Record<string, { decoder: Decoder<object>; good: object }> = {
  genesis: {
    decoder: genesisDecoder,
    good: {
      version: 1,
      name: 'test',
      rootKey: bytes(32),
      members: [
        { name: 'a', key: bytes(32, 1) },
        { name: 'b', key: bytes(32, 2) },
      ],
      threshold: 2,
      releaseKeys: [bytes(32, 3)],
      rotation: { rotationSeconds: 86_400, overlapSeconds: 21_600, graceSeconds: 600 },
      log: { origin: 'log.example', key: logKey },
      witnesses: { keys: [witnessKey(1), witnessKey(2)], quorum: 2 },
      createdAt: 5,
    },
  },
  certificate: {
    decoder: kmsCertificateDecoder,
    good: { version: 1, genesis: DIGEST, signingKey: bytes(32), notBefore: 5, notAfter: 6 },
  },
  release: { decoder: releaseStatementDecoder, good: release },
  releasedApp: { decoder: releasedAppDecoder, good: { name: 'summaries', sha256: DIGEST } },
  keySet: {
    decoder: keySetDecoder,
    good: {
      version: 1,
      genesis: DIGEST,
      epoch: 2,
      previous: DIGEST,
      constitution: DIGEST,
      keys: [
        { keyId: 1, config: bytes(60), policy: DIGEST, notBefore: 5, notAfter: 60 },
        { keyId: 2, config: bytes(60), policy: DIGEST, notBefore: 5, notAfter: 60 },
      ],
      issuedAt: 5,
    },
  },
  releaseReceipt: {
    decoder: releaseReceiptDecoder,
    good: {
      version: 1,
      genesis: DIGEST,
      epoch: 1,
      keyIds: [1, 2],
      policy: DIGEST,
      tuple: 'inference',
      evidence: DIGEST,
      hardware: [`sev-snp ${'cd'.repeat(64)}`, 'nvidia'],
      receiptKey: bytes(32),
      issuedAt: 5,
      notAfter: 6,
    },
  },
  artifactKeyImport: {
    decoder: artifactKeyImportDecoder,
    good: {
      version: 1,
      genesis: DIGEST,
      artifact: 'ef'.repeat(16),
      owner: bytes(32),
      policy: DIGEST,
      createdAt: 5,
      enc: bytes(1120),
      wrapped: bytes(48),
    },
  },
  artifactKeyRemoval: {
    decoder: artifactKeyRemovalDecoder,
    good: { version: 1, genesis: DIGEST, artifact: 'ef'.repeat(16), owner: bytes(32), createdAt: 5 },
  },
  kmsBinding: {
    decoder: kmsBindingDecoder,
    good: {
      version: 1,
      genesis: DIGEST,
      signingKey: bytes(32),
      importKey: bytes(1216),
      checkpoint: DIGEST,
    },
  },
  enclaveBinding: { decoder: enclaveBindingDecoder, good: enclaveBinding },
  evidence: { decoder: evidenceDecoder, good: evidence },
  loggedStatement: { decoder: loggedStatementDecoder, good: logged },
  releaseRequest: {
    decoder: releaseRequestDecoder,
    good: { evidence, binding: enclaveBinding, checkpoint: 'a\n1\n', artifacts: ['ef'.repeat(16)] },
  },
  releaseResponse: {
    decoder: releaseResponseDecoder,
    good: { keySet: logged, policy: logged, receipt: logged, enc: bytes(1120), wrapped: bytes(64) },
  },
  releasedKeys: {
    decoder: releasedKeysDecoder,
    good: {
      keys: [{ keyId: 1, privateKey: bytes(32) }],
      artifacts: [{ id: 'ef'.repeat(16), contentKey: bytes(32) }],
    },
  },
}
