import { fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, signDsse } from '@sotto/protocol/dsse'
import {
  artifactImportInfo,
  type ArtifactKeyImport,
  type ArtifactKeyRemoval,
  documentDigest,
  encodeDocument,
  type KeyReleasePolicy,
  type KeySet,
  type LoggedStatement,
  PAYLOAD_TYPES,
  type PolicyTuple,
  RELEASE_PREDICATE,
  type ReleaseReceipt,
  type ReleaseStatement,
  wrapSecret,
} from '@sotto/protocol/keyrelease'
import { createLogClient } from '@sotto/serve/log-client'
import type { TrustedHardware } from '@sotto/serve/tee'
import { FakeLog } from '../../serve/test/log-client/fake-log.ts'
import { createClock } from '../src/clock/index.ts'
import { decodeKmsConfig, type KmsConfig } from '../src/config/index.ts'
import { Kms, type KmsParts } from '../src/core/index.ts'
import { createKmsApp } from '../src/http/index.ts'
import { deriveRoot, type KmsRoot, type RootKeys, type Sharing } from '../src/root/index.ts'
import type { SealedStore } from '../src/store/index.ts'
import { type Draft, Members, seed, signer, type Voter } from './members.ts'
import { MemoryStore } from './store/memory.ts'
import { componentOf, ENCLAVE_IMAGE, hardwareOf, KMS_IMAGE, ROOT, type Workload } from './workloads.ts'

/** A root secret that stays what it is over every start. */
export function testRoot(secret: Uint8Array, sharing?: Sharing): KmsRoot {
  const root: KmsRoot = {
    obtained: { secrets: [secret] },
    source: {
      name: 'test',
      sharing,
      canRotate: true,
      obtain: async () => root.obtained,
      stage: async () => undefined,
      settle: async () => undefined,
    },
  }
  return root
}

/** A log, a store and a KMS in one test, with a clock that only the test moves. */
export class World extends Members {
  readonly log = new FakeLog()
  store: SealedStore & Partial<MemoryStore> = new MemoryStore()
  /** Unix seconds. */
  now = 1_800_000_000
  readonly members = [signer(1), signer(2), signer(3)]
  readonly releaser = signer(9)
  readonly workload: Workload = { image: ENCLAVE_IMAGE, hostData: 'c3'.repeat(32) }
  config: KmsConfig
  hardware: TrustedHardware = hardwareOf({ image: KMS_IMAGE, hostData: 'd4'.repeat(32) })
  root: KmsRoot = testRoot(seed(78))
  /** Of a store that replicas share. */
  term: KmsParts['term'] = undefined
  kms!: Kms
  readonly refused: [string, number][] = []

  constructor(change: Record<string, unknown> = {}) {
    super()
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

  /** Starts a KMS over the same store and log, as after a reboot; with the parts of a start that failed, as the same process. */
  async start(parts: KmsParts = this.parts()): Promise<Kms> {
    return (this.kms = await Kms.start(parts))
  }

  /** What a process is put together from. */
  parts(): KmsParts {
    const host = { wall: () => this.now * 1000, monotonic: () => this.now * 1000 }
    return {
      config: this.config,
      store: this.store,
      ...(this.term !== undefined && { term: this.term }),
      root: this.root,
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
    }
  }

  /** The whole way: started, first policy accepted. */
  static async ready(change: Record<string, unknown> = {}): Promise<World> {
    const world = new World(change)
    await world.start()
    await world.acceptPolicy(world.proposal())
    return world
  }

  /** As {@link ready}, and members have admitted the owner of {@link artifactImport}. */
  static async withOwner(): Promise<World> {
    const world = await World.ready()
    await world.admitOwners()
    return world
  }

  get rootKeys(): RootKeys {
    return deriveRoot(this.root.obtained.secrets[0]!)
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
    method = 'POST',
  ): Promise<{ status: number; body: Record<string, unknown>; text: string }> {
    const encode = (): Uint8Array => utf8(typeof body === 'string' ? body : JSON.stringify(body))
    const bytes = body === undefined || body instanceof Uint8Array ? body : encode()
    const init = bytes === undefined ? {} : { method, body: bytes as Uint8Array<ArrayBuffer> }
    const response = await this.app(new Request(`http://kms.test${path}`, init))
    const text = await response.text()
    return { status: response.status, body: JSON.parse(text) as Record<string, unknown>, text }
  }

  /** Code of the refusal of a call. */
  async refusal(path: string, body?: unknown, method?: string): Promise<string> {
    const { body: answer } = await this.call(path, body, method)
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

  /** A policy as members agree on it, with its release statements. */
  proposal(
    policy: KeyReleasePolicy = this.policy(),
    voters: Voter[] = this.members.slice(0, 2),
    releases: LoggedStatement[] = [this.logRelease(this.workload)],
  ): Draft {
    const kmsRelease = this.logRelease({ image: KMS_IMAGE, hostData: 'd4'.repeat(32) }, { role: 'kms' })
    return {
      ...this.draft('key-release-policy', policy, voters),
      releases: [...releases, kmsRelease],
    }
  }

  /** An owner's own policy: the workload of this world, unless it says otherwise. */
  ownerPolicy(change: Partial<KeyReleasePolicy> = {}): { policy: string; ownerPolicy: KeyReleasePolicy } {
    const ownerPolicy = this.policy({ evidenceMaxAgeSeconds: 7200, ...change })
    return { policy: documentDigest(ownerPolicy), ownerPolicy }
  }

  artifactRemoval(id: string, change: Partial<ArtifactKeyRemoval> = {}, owner = signer(50)): Uint8Array {
    const document: ArtifactKeyRemoval = {
      version: 1,
      genesis: this.genesis,
      artifact: id,
      owner: toBase64Url(owner.publicKey),
      createdAt: this.now,
      ...change,
    }
    return signDsse(PAYLOAD_TYPES.artifactKeyRemoval, encodeDocument(document), [owner])
  }

  /** Each a second after the one before: in one second an owner makes one choice. */
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
      createdAt: (this.now += 1),
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

export { type Draft, memberOf, policyDigestOf, seed, signer, type Voter } from './members.ts'
export {
  componentOf,
  Enclave,
  ENCLAVE_IMAGE,
  hardwareOf,
  KMS_IMAGE,
  ROOT,
  type Workload,
} from './workloads.ts'
