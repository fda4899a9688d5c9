import { concat, toBase64Url, uint } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse, type DsseSigner } from '@sotto/protocol/dsse'
import type { TrustBundle } from '@sotto/protocol/evidence'
import { genesisInForce } from '@sotto/protocol/governance'
import {
  bindReportData,
  documentDigest,
  encodeDocument,
  PAYLOAD_TYPES,
  RELEASE_PREDICATE,
  type Evidence,
  type Genesis,
  type KeyReleasePolicy,
  type KeySet,
  type KmsBinding,
  type KmsCertificate,
  type PublishedKey,
  type ReleaseStatement,
} from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import { checkpointDigest } from '@sotto/protocol/note'
import { ALWAYS_REQUIRED, type TrustPolicy } from '@sotto/verifier'
import { type FakeImage, type FakeTee, softwareTee, type SoftwareTee } from '../tee/index.ts'
import { decide, type DecisionOptions, succeed, type SuccessionStep } from './governance.ts'
import { createFakeLog, type FakeLog } from './log.ts'

/** What a test may want otherwise than in the honest world. Each document can be changed before it is signed. */
export interface WorldOptions {
  now?: number
  /** Request keys to publish; default one X25519 key of a throw-away pair. */
  keys?: (policy: string, now: number) => PublishedKey[]
  genesis?: (genesis: Genesis) => Genesis
  certificate?: (certificate: KmsCertificate) => KmsCertificate
  release?: (statement: ReleaseStatement) => ReleaseStatement
  /** More releases, made of those of the KMS and of the workload. */
  moreReleases?: (kms: ReleaseStatement, workload: ReleaseStatement) => readonly ReleaseStatement[]
  keyPolicy?: (policy: KeyReleasePolicy) => KeyReleasePolicy
  /** Changes of the decision that accepts the key-release policy. */
  decision?: Pick<DecisionOptions, 'proposal' | 'ballot' | 'decision'>
  /** Constitutions after the genesis. */
  constitutions?: readonly SuccessionStep[]
  keySet?: (keySet: KeySet) => KeySet
  binding?: (binding: KmsBinding) => KmsBinding
  policy?: (policy: TrustPolicy) => TrustPolicy
  /** Sign instead of the rightful key; those of `keyPolicy` vote for it. */
  signers?: Partial<
    Record<'genesis' | 'certificate' | 'release' | 'keyPolicy' | 'keySet', DsseSigner | DsseSigner[]>
  >
  /** Ages in seconds of what witnesses signed. */
  checkpointAge?: number
  evidenceAge?: number
  witnesses?: number
  /** What the hardware of the KMS measures, 96 hexadecimal characters; default its released image. */
  measurement?: string
  /** What roles run on. Default the software TEE. */
  tee?: FakeTee
  /** What the workload runs on, where that is another kind of machine than that of the KMS. */
  workloadTee?: FakeTee
}

/** Roles that a world runs. */
type WorldRole = 'kms' | 'inference'

/** A deployment in memory: every authority's keys, a complete bundle and the policy that accepts it. */
export interface World {
  now: number
  log: FakeLog
  bundle: TrustBundle
  policy: TrustPolicy
  genesisDigest: string
  keyPolicyDigest: string
  /** Of the software TEE. */
  root: SoftwareTee['root']
  signers: Record<'root' | 'kms' | 'member' | 'release', DsseSigner>
  images: Record<WorldRole, FakeImage>
  /** Evidence of a role on its machine, bound to this data. */
  evidence(role: WorldRole, reportData: Uint8Array): Evidence
}

/** A fresh DSSE signer. */
export function fakeSigner(): DsseSigner {
  const { seed, publicKey } = crypto.ed25519.generate()
  return { secretSeed: seed, publicKey }
}

/** An RFC 9458 key configuration with one X25519 key, HKDF-SHA256 and AES-128-GCM. */
export function fakeKeyConfig(
  keyId: number,
  publicKey: Uint8Array = crypto.randomBytes(32),
  kem = 0x0020,
): Uint8Array {
  return concat(uint(keyId, 1), uint(kem, 2), publicKey, uint(4, 2), uint(1, 2), uint(1, 2))
}

/** Builds a world: honest by default, changed where the options say so. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const now = options.now ?? 1_790_000_000
  const log = createFakeLog()
  const signers = { root: fakeSigner(), kms: fakeSigner(), member: fakeSigner(), release: fakeSigner() }
  const software = softwareTee()
  const tees: Record<WorldRole, FakeTee> = {
    kms: options.tee ?? software,
    inference: options.workloadTee ?? options.tee ?? software,
  }
  const digests: Record<WorldRole, string> = { kms: 'a1'.repeat(32), inference: 'b2'.repeat(32) }
  const images = Object.fromEntries(
    (['kms', 'inference'] as const).map((role) => [
      role,
      { measurement: softwareMeasurement(digests[role]), hostData: documentDigest({ configuration: role }) },
    ]),
  ) as World['images']
  const evidence = (role: WorldRole, reportData: Uint8Array): Evidence => {
    const { [role]: own, kms } = images
    const isOther = role === 'kms' && options.measurement !== undefined
    return tees[role].evidence(isOther ? { ...kms, measurement: options.measurement! } : own, reportData)
  }
  const publish = (type: string, document: object, signer: DsseSigner | DsseSigner[]): Uint8Array => {
    const envelope = signDsse(type, encodeDocument(document), [signer].flat())
    log.append(envelope)
    return envelope
  }
  const same = <T>(value: T): T => value
  const key = (signer: DsseSigner): string => toBase64Url(signer.publicKey)

  const genesis = (options.genesis ?? same)({
    version: 1,
    name: 'test',
    rootKey: key(signers.root),
    members: [{ name: 'member', key: key(signers.member) }],
    threshold: 1,
    releaseKeys: [key(signers.release)],
    rotation: { rotationSeconds: 86_400, overlapSeconds: 21_600, graceSeconds: 600 },
    log: { origin: log.origin, key: log.key },
    witnesses: { keys: log.witnessKeys, quorum: 2 },
    createdAt: now - 100,
  })
  const genesisDigest = documentDigest(genesis)
  const genesisEnvelope = publish(PAYLOAD_TYPES.genesis, genesis, options.signers?.genesis ?? signers.root)
  const boundCheckpoint = await log.checkpoint({ time: now - (options.evidenceAge ?? 60) })
  const binding = (options.binding ?? same)({
    version: 1,
    genesis: genesisDigest,
    signingKey: key(signers.kms),
    importKey: toBase64Url(new Uint8Array(1216)),
    checkpoint: checkpointDigest(boundCheckpoint),
  } satisfies KmsBinding)
  const certificate = publish(
    PAYLOAD_TYPES.kmsCertificate,
    (options.certificate ?? same)({
      version: 1,
      genesis: genesisDigest,
      signingKey: key(signers.kms),
      notBefore: now - 100,
      notAfter: now + 86_400,
    }),
    options.signers?.certificate ?? signers.root,
  )
  const releaseOf = (role: WorldRole): ReleaseStatement =>
    (options.release ?? same)({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [
        { name: 'image', digest: { sha256: digests[role] } },
        { name: 'configuration', digest: { sha256: images[role].hostData } },
      ],
      predicateType: RELEASE_PREDICATE,
      predicate: {
        role,
        version: '1.0.0',
        securityVersion: 1,
        evidence: tees[role].pins(images[role]),
        createdAt: now - 90,
      },
    })
  const [kmsRelease, workloadRelease] = [releaseOf('kms'), releaseOf('inference')]
  const more = options.moreReleases?.(kmsRelease, workloadRelease) ?? []
  const releases = [kmsRelease, workloadRelease, ...more].map((statement) =>
    publish(PAYLOAD_TYPES.release, statement, options.signers?.release ?? signers.release),
  )
  const keyPolicy = (options.keyPolicy ?? same)({
    version: 1,
    genesis: genesisDigest,
    anyOf: [
      {
        ...tees.inference.platform,
        allOf: tees.inference.platform.allOf.map((component) => ({
          ...component,
          ...(component === tees.inference.platform.allOf[0] && tees.inference.pins(images.inference)),
        })),
        name: 'inference',
        role: 'inference',
      },
    ],
    evidenceMaxAgeSeconds: 3600,
    createdAt: now - 80,
  } satisfies KeyReleasePolicy)
  const keyPolicyDigest = documentDigest(keyPolicy)
  const { decisions, inForce, previous } = succeed(
    genesisInForce(genesis, genesisDigest),
    options.constitutions ?? [],
    { voters: [signers.member], kms: signers.kms, now },
  )
  for (const decision of decisions) log.append(decision)
  const policyEnvelope = decide({
    inForce,
    kind: 'key-release-policy',
    body: keyPolicy,
    voters: [options.signers?.keyPolicy ?? signers.member].flat(),
    kms: signers.kms,
    now: now - 55,
    sequence: decisions.length + 1,
    previous,
    ...options.decision,
  })
  log.append(policyEnvelope)
  const keys = options.keys?.(keyPolicyDigest, now) ?? [
    {
      keyId: 7,
      config: toBase64Url(fakeKeyConfig(7)),
      policy: keyPolicyDigest,
      notBefore: now - 50,
      notAfter: now + 3600,
    },
  ]
  const keySet = publish(
    PAYLOAD_TYPES.keySet,
    (options.keySet ?? same)({
      version: 1,
      genesis: genesisDigest,
      epoch: 1,
      previous: '0'.repeat(64),
      constitution: inForce.digest,
      keys,
      issuedAt: now - 50,
    }),
    options.signers?.keySet ?? signers.kms,
  )
  const bound = Number(boundCheckpoint.split('\n')[1])
  const bundle: TrustBundle = {
    version: 1,
    checkpoint: await log.checkpoint({
      time: now - (options.checkpointAge ?? 30),
      ...(options.witnesses !== undefined && { witnesses: options.witnesses }),
    }),
    genesis: await log.prove(genesisEnvelope),
    kms: {
      evidence: evidence('kms', bindReportData('kms', binding)),
      binding,
      boundCheckpoint,
      consistency: await log.consistency(bound),
      certificate: await log.prove(certificate),
    },
    releases: await Promise.all(releases.map((envelope) => log.prove(envelope))),
    governance: await Promise.all(decisions.map((envelope) => log.prove(envelope))),
    policy: await log.prove(policyEnvelope),
    keySet: await log.prove(keySet),
  }
  const policy = (options.policy ?? same)({
    version: 1,
    name: 'test',
    require: [
      ...ALWAYS_REQUIRED,
      'log.witnesses-independent',
      ...(tees.kms === software ? [] : (['hardware.cpu-vendor'] as const)),
    ],
    genesis: genesisDigest,
    releaseKeys: [key(signers.release)],
    revoked: [],
    minSecurityVersion: { kms: 1, inference: 1 },
    log: { origin: log.origin, key: log.key },
    witnesses: {
      keys: log.witnessKeys.map((witness, i) => ({
        key: witness,
        organisation: `organisation ${i}`,
        operator: false,
      })),
      quorum: 2,
      allowOperatorWitnesses: false,
    },
    platforms: [...new Set([tees.kms.platform, tees.inference.platform])],
    kems: ['X-Wing', 'X25519'],
    evidenceMaxAgeSeconds: 86_400,
    checkpointMaxAgeSeconds: 3600,
  } satisfies TrustPolicy)
  return {
    now,
    log,
    bundle,
    policy,
    genesisDigest,
    keyPolicyDigest,
    root: software.root,
    signers,
    images,
    evidence,
  }
}
