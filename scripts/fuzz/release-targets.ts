import { parseManifest } from '../../packages/cli/src/console/manifest.ts'
import { weaknessesOf } from '../../packages/cli/src/console/verify/judge-policy.ts'
import { parseReleaseFile } from '../../packages/cli/src/source/release-file.ts'
import { fromBase64, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { CONSOLE_RELEASE_PREDICATE, consoleReleaseDecoder } from '@sotto/protocol/console-release'
import { acceptedDataUseDecoder, DATA_TASKS, dataUseDecoder } from '@sotto/protocol/data-use'
import { signDsse } from '@sotto/protocol/dsse'
import { decodeDocument, encodeDocument } from '@sotto/protocol/keyrelease'
import { compareOms, parseOmsBundle, parseOmsStatement, signOms } from '@sotto/protocol/oms'
import {
  IMAGE_BUILD_TYPE,
  provenanceStatementDecoder,
  sbomStatementDecoder,
  SLSA_PREDICATE,
} from '@sotto/protocol/provenance'
import {
  encodeSavedUsage,
  parseSavedUsage,
  USAGE_PAYLOAD_TYPE,
  usageStatementDecoder,
} from '@sotto/protocol/usage'
import { ownWorld } from './own-documents.ts'
import { parser, type Target } from './target.ts'

const DIGEST = 'ab'.repeat(32)
const NOW = 1_790_000_000

/** What is said of images, models and use: by builders, signers and enclaves that may be anybody. */
export const releaseTargets: readonly Target[] = [
  parser('model signature', modelSignatures, parseOmsBundle),
  parser('model manifest', modelManifests, (bytes) => compareOms(parseOmsStatement(bytes), new Map())),
  parser('release file', releaseFiles, (bytes) => parseReleaseFile(fromUtf8(bytes), 'release.json')),
  parser(
    'provenance',
    () => [encodeDocument(PROVENANCE)],
    (bytes) => decodeDocument(bytes, provenanceStatementDecoder),
  ),
  parser(
    'sbom statement',
    () => [encodeDocument({ version: 1, image: DIGEST, sbom: DIGEST, format: 'CycloneDX 1.6' })],
    (bytes) => decodeDocument(bytes, sbomStatementDecoder),
  ),
  parser(
    'console release',
    () => [encodeDocument(CONSOLE)],
    (bytes) => decodeDocument(bytes, consoleReleaseDecoder),
  ),
  parser(
    'manifest of pages',
    () => [utf8(['a.js', 'index.html'].map((name) => `${DIGEST}  ${name}\n`).join(''))],
    (bytes) => parseManifest(fromUtf8(bytes)),
  ),
  parser(
    'policy of pages',
    () => [utf8("default-src 'none'; script-src 'self' https://cdn.example, trusted-types 'none'")],
    (bytes) => weaknessesOf(fromUtf8(bytes), ["'self'"]),
  ),
  parser('saved usage', savedUsage, parseSavedUsage),
  parser(
    'usage statement',
    () => [encodeDocument(USAGE)],
    (bytes) => decodeDocument(bytes, usageStatementDecoder),
  ),
  parser(
    'data use',
    () => [encodeDocument({ tasks: [...DATA_TASKS], retentionSeconds: 0, training: false })],
    (bytes) => decodeDocument(bytes, dataUseDecoder),
  ),
  parser(
    'accepted data use',
    () => [encodeDocument({ tasks: [...DATA_TASKS], maxRetentionSeconds: 60, training: true })],
    (bytes) => decodeDocument(bytes, acceptedDataUseDecoder),
  ),
]

const PROVENANCE = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [
    { name: 'image', digest: { sha256: DIGEST } },
    { name: 'image.tar', digest: { sha256: DIGEST } },
  ],
  predicateType: SLSA_PREDICATE,
  predicate: {
    buildDefinition: {
      buildType: IMAGE_BUILD_TYPE,
      externalParameters: { role: 'kms', flavour: 'release', arch: 'x64' },
      resolvedDependencies: [
        {
          name: 'source',
          uri: 'git+https://source.example/it',
          digest: { sha256: DIGEST, gitCommit: 'ab'.repeat(20) },
        },
      ],
    },
    runDetails: {
      builder: { id: 'https://builder.example/v1' },
      byproducts: [{ name: 'manifest', digest: { sha256: DIGEST } }],
    },
  },
}
const CONSOLE = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'console', digest: { sha256: DIGEST } }],
  predicateType: CONSOLE_RELEASE_PREDICATE,
  predicate: { version: '1.2.0', securityVersion: 3, createdAt: NOW },
}
const USAGE = {
  version: 1,
  genesis: DIGEST,
  evidence: DIGEST,
  sequence: 2,
  startedAt: NOW,
  issuedAt: NOW + 600,
  models: [{ model: DIGEST, requests: 32, audioSeconds: 61, inputTokens: 5, outputTokens: 7 }],
}

/** Signed with a key, and with a chain of certificates; the bytes of neither are looked at here. */
function modelSignatures(): Uint8Array[] {
  const files = [
    { path: 'a/weights', digest: DIGEST },
    { path: 'config.json', digest: DIGEST },
  ]
  const sign = (): Uint8Array => new Uint8Array(72).fill(48)
  const model = { name: 'model', files, ignorePaths: ['model.sig', '.git'] }
  const chain = [new Uint8Array(200).fill(48), new Uint8Array(200).fill(49)]
  return [signOms(model, { identity: { hint: DIGEST }, sign }), signOms(model, { identity: { chain }, sign })]
}

/** Of whole files, and of shards. */
function modelManifests(): Uint8Array[] {
  const whole = modelSignatures().map(payloadOfModel)
  const shards = JSON.parse(fromUtf8(whole[0]!)) as {
    predicate: { serialization: object; resources: object[] }
  }
  const shard = (name: string): object => ({ name, algorithm: 'sha256-sharded-4', digest: DIGEST })
  shards.predicate.serialization = {
    method: 'shards',
    hash_type: 'sha256',
    allow_symlinks: true,
    shard_size: 4,
  }
  shards.predicate.resources = [shard('w:0:4'), shard('w:4:6')]
  return [whole[0]!, utf8(JSON.stringify(shards))]
}

function payloadOfModel(bundle: Uint8Array): Uint8Array {
  const { dsseEnvelope } = JSON.parse(fromUtf8(bundle)) as { dsseEnvelope: { payload: string } }
  return fromBase64(dsseEnvelope.payload)
}

async function releaseFiles(): Promise<Uint8Array[]> {
  const { world } = await ownWorld()
  const [release] = world.bundle.releases
  const entry = { measurement: DIGEST, image: DIGEST, sbom: DIGEST }
  const { envelope, index } = release!
  const document = {
    format: 'sotto-release/1',
    version: '1.2.0',
    flavour: 'software',
    arch: 'x64',
    source: { digest: DIGEST, commit: 'ab'.repeat(20) },
    roles: {
      kms: { ...entry, statements: { release: { envelope, index }, sbom: { envelope } } },
      inference: entry,
    },
  }
  return [utf8(JSON.stringify(document, null, 2))]
}

async function savedUsage(): Promise<Uint8Array[]> {
  const { world, receipt } = await ownWorld()
  const envelope = fromUtf8(signDsse(USAGE_PAYLOAD_TYPE, encodeDocument(USAGE), [world.signers.kms]))
  return [encodeSavedUsage({ version: 1, envelope, certificate: receipt.saved.certificate })]
}
