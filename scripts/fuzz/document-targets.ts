import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseIndex, unpackCollateral } from '@sotto/protocol/collateral-bundle'
import { parseDsse } from '@sotto/protocol/dsse'
import { encodeTrustBundle, parseTrustBundle } from '@sotto/protocol/evidence'
import {
  handedOverDecoder,
  handoverBindingDecoder,
  handoverReceiptDecoder,
  handoverRequestDecoder,
  handoverResponseDecoder,
} from '@sotto/protocol/handover'
import type { Decoder } from '@sotto/protocol/jcs'
import {
  artifactKeyImportDecoder,
  artifactKeyRemovalDecoder,
  documentDigest,
  decodeDocument,
  enclaveBindingDecoder,
  encodeDocument,
  evidenceDecoder,
  genesisDecoder,
  keySetDecoder,
  kmsBindingDecoder,
  kmsCertificateDecoder,
  MAX_RELEASE_RESPONSE_BYTES,
  parseKeyReleasePolicy,
  releasedKeysDecoder,
  releaseReceiptDecoder,
  releaseRequestDecoder,
  releaseResponseDecoder,
  releaseStatementDecoder,
} from '@sotto/protocol/keyrelease'
import { parseCheckpoint, parseNote, parseVerifierKey } from '@sotto/protocol/note'
import {
  inferenceReceiptDecoder,
  parseReceiptCertificate,
  parseReceiptTrailer,
  parseSavedReceipt,
} from '@sotto/protocol/receipts'
import { parseTrustPolicy } from '@sotto/verifier'
import { explainPolicy, lintPolicy, parseEvidencePolicy } from '@sotto/verifier/appraisal'
import { evidencePieces, evidencePolicyOf } from '@sotto/verifier/workload'
import {
  collateralBundles,
  evidenceMessages,
  evidencePolicies,
  notes,
  ownWorld,
  payloads,
  receiptTrailers,
  releaseMessages,
  trustPolicies,
} from './own-documents.ts'
import { keyPolicies } from './governance-targets.ts'
import { parser, type Target } from './target.ts'

const NOW = 1_790_000_000
const MAX_BYTES = 2 ** 24

/** Documents of our own: what a KMS, a log, an operator or the author of a policy may have written. */
export const documentTargets: readonly Target[] = [
  document('genesis', genesisDecoder, () => payloads(({ genesis }) => [genesis])),
  document('kms certificate', kmsCertificateDecoder, () => payloads(({ kms }) => [kms.certificate])),
  document('release statement', releaseStatementDecoder, () => payloads(({ releases }) => releases)),
  parser('key-release policy', keyPolicies, readKeyPolicy),
  document('key set', keySetDecoder, () => payloads(({ keySet }) => [keySet])),
  document('release receipt', releaseReceiptDecoder, async () => [
    encodeDocument((await ownWorld()).receipt.release),
  ]),
  document('inference receipt', inferenceReceiptDecoder, async () => [
    encodeDocument((await ownWorld()).receipt.receipt),
  ]),
  parser(
    'evidence',
    async () => (await evidenceMessages()).map(encodeDocument),
    (bytes) => evidencePieces(decodeDocument(bytes, evidenceDecoder, 'evidence', MAX_BYTES)),
  ),
  document('release request', releaseRequestDecoder, async () => [(await releaseMessages()).request]),
  document('release response', releaseResponseDecoder, async () => [(await releaseMessages()).response]),
  document('released keys', releasedKeysDecoder, () => [encodeDocument(RELEASED)]),
  document('handover binding', handoverBindingDecoder, () => [encodeDocument(HANDOVER)]),
  document('handover request', handoverRequestDecoder, async () => {
    const { evidence, checkpoint } = (await ownRelease()) as { evidence: unknown; checkpoint: unknown }
    return [encodeDocument({ evidence, checkpoint, binding: HANDOVER })]
  }),
  document('handover response', handoverResponseDecoder, () => [encodeDocument(HANDOVER_RESPONSE)]),
  document('handed over', handedOverDecoder, () => [encodeDocument(HANDED_OVER)]),
  document('handover receipt', handoverReceiptDecoder, () => [encodeDocument(HANDOVER_RECEIPT)]),
  document('artifact key import', artifactKeyImportDecoder, async () => [
    encodeDocument({ ...IMPORT, genesis: (await ownWorld()).world.genesisDigest }),
    encodeDocument({
      ...IMPORT,
      genesis: DIGEST,
      policy: documentDigest(OWNER_POLICY),
      ownerPolicy: OWNER_POLICY,
    }),
  ]),
  document('artifact key removal', artifactKeyRemovalDecoder, () => [
    encodeDocument({ version: 1, genesis: DIGEST, artifact: 'cd'.repeat(16), owner: KEY, createdAt: NOW }),
  ]),
  document('kms binding', kmsBindingDecoder, async () => [
    encodeDocument((await ownWorld()).world.bundle.kms.binding),
  ]),
  document('enclave binding', enclaveBindingDecoder, () => [encodeDocument(BINDING)]),
  parser('trust bundle', async () => [encodeTrustBundle((await ownWorld()).world.bundle)], parseTrustBundle),
  parser('trust policy', trustPolicies, parseTrustPolicy),
  parser('evidence policy', evidencePolicies, (bytes) => explainPolicy(parseEvidencePolicy(bytes))),
  parser('evidence policy lint', evidencePolicies, (bytes) => lintPolicy(bytes, NOW)),
  parser('dsse envelope', async () => [utf8((await ownWorld()).world.bundle.genesis.envelope)], parseDsse),
  parser(
    'checkpoint',
    async () => [(await notes()).checkpoint],
    (bytes) => parseCheckpoint(parseNote(fromUtf8(bytes)).text),
  ),
  parser(
    'verifier key',
    async () => (await notes()).keys,
    (bytes) => parseVerifierKey(fromUtf8(bytes)),
  ),
  parser('receipt trailer', receiptTrailers, (bytes) => parseReceiptTrailer(fromUtf8(bytes))),
  parser('receipt trailer inside', insideTrailers, (bytes) => parseReceiptTrailer(toBase64Url(bytes))),
  parser(
    'receipt certificate',
    async () => [encodeDocument((await ownWorld()).receipt.saved.certificate)],
    (bytes) => parseReceiptCertificate(bytes),
  ),
  parser('saved receipt', savedReceipts, parseSavedReceipt),
  parser('collateral bundle', collateralBundles, unpackCollateral),
  parser('collateral index', collateralBundles, parseIndex),
]

const DIGEST = 'ab'.repeat(32)
const KEY = toBase64Url(new Uint8Array(32).fill(3))
const RELEASED = {
  keys: [{ keyId: 7, privateKey: KEY }],
  artifacts: [{ id: 'cd'.repeat(16), contentKey: KEY }],
}
const IMPORT = {
  version: 1,
  artifact: 'cd'.repeat(16),
  owner: KEY,
  policy: DIGEST,
  model: { name: 'notes', version: 3 },
  createdAt: NOW,
  enc: toBase64Url(new Uint8Array(1120)),
  wrapped: toBase64Url(new Uint8Array(48)),
}
const OWNER_POLICY = {
  version: 1,
  genesis: DIGEST,
  anyOf: [{ name: 'a', role: 'inference', allOf: [{ family: 'software', roots: [DIGEST] }] }],
  evidenceMaxAgeSeconds: 60,
  createdAt: NOW,
}
const BINDING = {
  version: 1,
  genesis: DIGEST,
  wrapKey: toBase64Url(new Uint8Array(1216)),
  receiptKey: KEY,
  checkpoint: DIGEST,
}

const HANDOVER = {
  version: 1,
  genesis: DIGEST,
  wrapKey: toBase64Url(new Uint8Array(1216)),
  statementKey: KEY,
  checkpoint: DIGEST,
}
const HANDOVER_RESPONSE = {
  receipt: { envelope: '{}', index: 4 },
  enc: toBase64Url(new Uint8Array(1120)),
  wrapped: toBase64Url(new Uint8Array(300)),
}
const HANDED_OVER = {
  version: 1,
  rootSecret: KEY,
  generation: 1,
  keys: [
    {
      keyId: 7,
      config: toBase64Url(new Uint8Array(60)),
      policy: DIGEST,
      notBefore: 100,
      notAfter: 200,
      destroyAt: 260,
      privateKey: KEY,
    },
  ],
}
const HANDOVER_RECEIPT = {
  version: 1,
  genesis: DIGEST,
  policy: DIGEST,
  tuple: 'kms-2.0',
  evidence: DIGEST,
  hardware: ['software'],
  fromKey: KEY,
  toKey: toBase64Url(new Uint8Array(32).fill(4)),
  fromSecurityVersion: 1,
  toSecurityVersion: 2,
  generation: 1,
  keyIds: [7],
  issuedAt: NOW,
}

/** A release request, for its evidence. */
async function ownRelease(): Promise<unknown> {
  return JSON.parse(fromUtf8((await releaseMessages()).request))
}

function document<T>(name: string, decoder: Decoder<T>, seeds: Target['seeds']): Target {
  return parser(name, seeds, (bytes) => decodeDocument(bytes, decoder, name, MAX_RELEASE_RESPONSE_BYTES))
}

/** A policy of the KMS, and what it means to the verifier of evidence. */
function readKeyPolicy(bytes: Uint8Array): unknown {
  return evidencePolicyOf(parseKeyReleasePolicy(bytes))
}

/** Without and with the bundle by which the service was judged. */
async function savedReceipts(): Promise<Uint8Array[]> {
  const { world, receipt } = await ownWorld()
  return [encodeDocument(receipt.saved), encodeDocument({ ...receipt.saved, trust: world.bundle })]
}

async function insideTrailers(): Promise<Uint8Array[]> {
  return (await receiptTrailers()).map((text) => new Uint8Array(Buffer.from(fromUtf8(text), 'base64url')))
}
