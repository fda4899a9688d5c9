import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import {
  artifactImportInfo,
  type ArtifactKeyImport,
  bindReportData,
  documentDigest,
  encodeDocument,
  type EnclaveBinding,
  type KeyReleasePolicy,
  type KeySet,
  type LoggedStatement,
  evidenceDigest,
  PAYLOAD_TYPES,
  type Component,
  type PolicyTuple,
  RELEASE_PREDICATE,
  type ReleasedKeys,
  releaseInfo,
  type ReleaseReceipt,
  type ReleaseRequest,
  type ReleaseResponse,
  type ReleaseStatement,
  unwrapSecret,
  WRAP_SUITE,
  wrapSecret,
} from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import { checkpointDigest } from '@sotto/protocol/note'
import { createLogClient } from '@sotto/serve/log-client'
import type { TrustedHardware } from '@sotto/serve/tee'
import { softwareRootDigest } from '@sotto/verifier'
import { signSoftwareReport } from '@sotto/verifier/software-signer'
import { FakeLog } from '../../serve/test/log-client/fake-log.ts'
import { createClock } from '../src/clock/index.ts'
import { decodeKmsConfig, type KmsConfig } from '../src/config/index.ts'
import { Kms } from '../src/core/index.ts'
import { ROTATE_PAYLOAD_TYPE } from '../src/epochs/index.ts'
import { createKmsApp } from '../src/http/index.ts'
import type { PolicyProposal } from '../src/policies/index.ts'
import type { SealedStore } from '../src/store/index.ts'
import { MemoryStore } from './store/memory.ts'

const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const signer = (n: number) => ({
  secretSeed: seed(n),
  publicKey: crypto.ed25519.importPrivate(seed(n)).publicKey,
})

export const KMS_IMAGE: string = 'a1'.repeat(32)
export const ENCLAVE_IMAGE: string = 'b2'.repeat(32)

/** A P-384 key that stands for a machine; made once, because it is slow. */
const MACHINE = crypto.ecdsa.generate('P-384')
export const ROOT: string = softwareRootDigest(MACHINE.publicKey)

/** What launches workloads in the software TEE: image, configuration and chip of one of them. */
export interface Workload {
  image: string
  hostData: string
  chip?: number
  machine?: { privateKey: Uint8Array; publicKey: Uint8Array }
}

/** What evidence of this workload says. */
export function componentOf({ image, hostData }: Workload): Component {
  return { family: 'software', measurements: [softwareMeasurement(image)], hostData: [hostData] }
}

export function hardwareOf(workload: Workload): TrustedHardware {
  const machine = workload.machine ?? MACHINE
  return {
    family: 'software',
    async collectEvidence(reportData) {
      const fields = {
        measurement: softwareMeasurement(workload.image),
        hostData: workload.hostData,
        reportData,
        chipId: new Uint8Array(64).fill(workload.chip ?? 1),
      }
      const report = signSoftwareReport(fields, machine.privateKey)
      const collateral = { root: toBase64Url(machine.publicKey) }
      return [{ family: 'software', evidence: toBase64Url(report), collateral }]
    },
    deriveSealingKey: () => Promise.resolve(seed(77)),
  }
}

/** One enclave boot: its keys never leave it. */
export class Enclave {
  readonly workload: Workload
  readonly wrapKey = WRAP_SUITE.kem.generate()
  readonly receiptKey = crypto.ed25519.generate()

  constructor(workload: Workload) {
    this.workload = workload
  }

  async request(
    world: World,
    change: { binding?: Partial<EnclaveBinding>; note?: string; artifacts?: string[] } = {},
  ): Promise<ReleaseRequest> {
    const checkpoint = change.note ?? world.log.note()
    const binding: EnclaveBinding = {
      version: 1,
      genesis: world.genesis,
      wrapKey: toBase64Url(this.wrapKey.publicKey),
      receiptKey: toBase64Url(this.receiptKey.publicKey),
      checkpoint: checkpointDigest(checkpoint),
      ...change.binding,
    }
    const evidence = await hardwareOf(this.workload).collectEvidence(bindReportData('enclave', binding))
    return { evidence, binding, checkpoint, artifacts: change.artifacts ?? [] }
  }

  open(request: ReleaseRequest, response: ReleaseResponse, genesis: string): ReleasedKeys {
    const policy = documentDigest(parseDsse(utf8(response.policy.envelope)).payload)
    const evidence = evidenceDigest(request.evidence)
    const info = releaseInfo({ genesis, policy, evidence })
    return JSON.parse(fromUtf8(unwrapSecret(this.wrapKey, info, response))) as ReleasedKeys
  }
}

/** A log, a store and a KMS in one test, with a clock that only the test moves. */
export class World {
  readonly log = new FakeLog()
  store: SealedStore & Partial<MemoryStore> = new MemoryStore()
  /** Unix seconds. */
  now = 1_800_000_000
  readonly members = [signer(1), signer(2), signer(3)]
  readonly releaser = signer(9)
  readonly workload: Workload = { image: ENCLAVE_IMAGE, hostData: 'c3'.repeat(32) }
  config: KmsConfig
  hardware: TrustedHardware = hardwareOf({ image: KMS_IMAGE, hostData: 'd4'.repeat(32) })
  kms!: Kms
  readonly refused: [string, number][] = []

  constructor(change: Record<string, unknown> = {}) {
    this.log.now = () => this.now
    const { softwareRoots, ...fields } = { ...this.configFields(), ...change }
    // Undefined: a KMS for hardware, whose configuration has no such field.
    this.config = decodeKmsConfig(
      softwareRoots === undefined ? fields : { ...fields, softwareRoots },
      'config',
    )
  }

  configFields(): Record<string, unknown> {
    return {
      name: 'test',
      listen: { port: 0 },
      store: '/nowhere',
      log: { url: 'http://log.test', origin: this.log.origin, key: this.log.key },
      witnesses: { keys: this.log.witnessKeys, quorum: 2 },
      members: this.members.map(({ publicKey }, n) => ({ name: `member-${n}`, key: toBase64Url(publicKey) })),
      threshold: 2,
      releaseKeys: [toBase64Url(this.releaser.publicKey)],
      softwareRoots: [ROOT],
    }
  }

  /** Starts a KMS over the same store and log, as after a reboot. */
  async start(): Promise<Kms> {
    const host = { wall: () => this.now * 1000, monotonic: () => this.now * 1000 }
    this.kms = await Kms.start({
      config: this.config,
      store: this.store,
      hardware: this.hardware,
      clock: createClock(host),
      monotonic: host.monotonic,
      openLog: (lastSeen) =>
        createLogClient({
          ...this.config.log,
          witnesses: this.config.witnesses,
          appendToken: this.log.token,
          fetch: this.log.fetch,
          ...(lastSeen !== undefined && { lastSeen }),
        }),
    })
    return this.kms
  }

  /** The whole way: started, first policy accepted. */
  static async ready(change: Record<string, unknown> = {}): Promise<World> {
    const world = new World(change)
    await world.start()
    await world.kms.acceptPolicy(world.proposal())
    return world
  }

  get genesis(): string {
    return this.kms.view.state.identity!.digest
  }

  #app: ReturnType<typeof createKmsApp> | undefined
  /** Made when it is first asked for: its clock never goes back. */
  get app(): ReturnType<typeof createKmsApp> {
    return (this.#app ??= createKmsApp({
      kms: () => this.kms as Kms | undefined,
      monotonic: () => this.now * 1000,
      onError: (code, status) => this.refused.push([code, status]),
    }))
  }

  async call(
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown>; text: string }> {
    const encode = (): Uint8Array => utf8(typeof body === 'string' ? body : JSON.stringify(body))
    const bytes = body === undefined || body instanceof Uint8Array ? body : encode()
    const init = bytes === undefined ? {} : { method: 'POST', body: bytes as Uint8Array<ArrayBuffer> }
    const response = await this.app(new Request(`http://kms.test${path}`, init))
    const text = await response.text()
    return { status: response.status, body: JSON.parse(text) as Record<string, unknown>, text }
  }

  /** Code of the refusal of a call. */
  async refusal(path: string, body?: unknown): Promise<string> {
    const { body: answer } = await this.call(path, body)
    return (answer['error'] as { code: string } | undefined)?.code ?? 'none'
  }

  /** Writes a signed release statement into the log. */
  logRelease(
    workload: Workload,
    change: Partial<ReleaseStatement['predicate']> = {},
    by: { publicKey: Uint8Array; secretSeed: Uint8Array } = this.releaser,
  ): LoggedStatement {
    const statement: ReleaseStatement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [
        { name: 'image', digest: { sha256: workload.image } },
        { name: 'configuration', digest: { sha256: workload.hostData } },
      ],
      predicateType: RELEASE_PREDICATE,
      predicate: {
        role: 'inference',
        version: '1.0.0',
        securityVersion: 1,
        evidence: componentOf(workload),
        createdAt: this.now,
        ...change,
      },
    }
    const envelope = signDsse(PAYLOAD_TYPES.release, encodeDocument(statement), [by])
    const known = this.log.entries.findIndex((entry) => fromUtf8(entry) === fromUtf8(envelope))
    const index = known >= 0 ? known : this.log.entries.push(envelope) - 1
    return { envelope: fromUtf8(envelope), index }
  }

  tuple(workload: Workload = this.workload, change: Partial<PolicyTuple> = {}): PolicyTuple {
    return {
      name: `w-${workload.image.slice(0, 4)}-${workload.hostData.slice(0, 4)}`,
      role: 'inference',
      allOf: [{ ...componentOf(workload), roots: [ROOT] }],
      ...change,
    }
  }

  policy(change: Partial<KeyReleasePolicy> = {}): KeyReleasePolicy {
    return {
      version: 1,
      genesis: this.genesis,
      anyOf: [this.tuple()],
      evidenceMaxAgeSeconds: 86_400,
      createdAt: this.now,
      ...change,
    }
  }

  /** A proposal with its votes and release statements. */
  proposal(
    policy: KeyReleasePolicy = this.policy(),
    voters: { publicKey: Uint8Array; secretSeed: Uint8Array }[] = this.members.slice(0, 2),
    releases: LoggedStatement[] = [this.logRelease(this.workload)],
  ): PolicyProposal {
    const envelope = signDsse(PAYLOAD_TYPES.keyReleasePolicy, encodeDocument(policy), voters)
    const kmsRelease = this.logRelease({ image: KMS_IMAGE, hostData: 'd4'.repeat(32) }, { role: 'kms' })
    return { policy: fromUtf8(envelope), releases: [...releases, kmsRelease] }
  }

  rotation(
    epoch: number = this.kms.view.state.epoch!.number,
    voter = this.members[0]!,
    genesis: string = this.genesis,
  ): Uint8Array {
    return signDsse(ROTATE_PAYLOAD_TYPE, encodeDocument({ genesis, epoch }), [voter])
  }

  artifactImport(
    id: string,
    contentKey: Uint8Array,
    change: Partial<ArtifactKeyImport> = {},
    owner = signer(50),
  ): Uint8Array {
    const named = {
      genesis: this.genesis,
      artifact: id,
      owner: toBase64Url(owner.publicKey),
      policy: this.kms.view.state.policy!,
      ...change,
    }
    const { importKey } = this.kms.view.boot.own.binding
    const document = { version: 1, ...named, ...wrapSecret(importKey, artifactImportInfo(named), contentKey) }
    return signDsse(PAYLOAD_TYPES.artifactKeyImport, encodeDocument(document), [owner])
  }

  get keySet(): KeySet {
    return payloadOf<KeySet>(this.kms.view.state.epoch!.statement.envelope)
  }

  /** All documents of one type in the log, oldest first. */
  logged<T>(payloadType: string): { document: T; index: number; envelope: string }[] {
    return this.log.entries.flatMap((entry, index) => {
      const envelope = fromUtf8(entry)
      if (!envelope.startsWith('{')) return []
      const parsed = parseDsse(entry)
      return parsed.payloadType === payloadType ? [{ document: payloadOf<T>(envelope), index, envelope }] : []
    })
  }

  get receipts(): ReleaseReceipt[] {
    return this.logged<ReleaseReceipt>(PAYLOAD_TYPES.releaseReceipt).map(({ document }) => document)
  }
}

export function payloadOf<T>(envelope: string): T {
  return JSON.parse(fromUtf8(parseDsse(utf8(envelope)).payload)) as T
}

export { seed, signer }
