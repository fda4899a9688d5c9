import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  type Contract,
  type DataStatement,
  type Name,
  openOutputKey,
  requireOutput,
  runDigest,
  type SealedOutput,
  verifySealedOutput,
} from '@sotto/protocol/contract'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { WRAP_SUITE } from '@sotto/protocol/keyrelease'
import type { OfferedRun, RoomCall, RoomEvidence, RunView } from '@sotto/protocol/room'
import { openArtifact } from '@sotto/protocol/sealed'
import { sealCall } from '@sotto/protocol/sealed-call'
import { createLogClient } from '@sotto/serve/log-client'
import type { App } from '@sotto/serve/errors'
import { type RoomParty, roomParty } from '@sotto/client/rooms'
import { EngineHost } from '../../../packages/enclave/src/engines/index.ts'
import {
  collectBound,
  createKmsClient,
  createReceiptKey,
  verifyKms,
} from '../../../packages/enclave/src/release/index.ts'
import {
  type BoardFiles,
  createKmsCalls,
  createRoomApp,
  GoodQueries,
  requireRunnable,
  RunTable,
  type StepTools,
} from '../../../packages/enclave/src/room/index.ts'
import { roomRoleError } from '../../../packages/enclave/src/room/errors.ts'
import { trustPolicyOf } from '../../../packages/kms/test/client.ts'
import { BANK, contractOf, ROOM, RoomWorld, SHOP } from '../../../packages/kms/test/contracts/room-world.ts'
import { hardwareOf, seed, type Workload } from '../../../packages/kms/test/world.ts'
import type { SealedData } from './sealed-data.ts'

const ROOT_FOLDER = resolve(import.meta.dirname, '../../..')
/** Installed by `node scripts/parts.ts rooms`. */
export const PART: string = join(ROOT_FOLDER, 'parts/rooms')
export const hasDuckDb: boolean = existsSync(join(PART, 'node_modules/@duckdb/node-api'))
if (!hasDuckDb) process.stderr.write('skipped: DuckDB is not installed: node scripts/parts.ts rooms\n')

/** What trainings of a lab run with. */
export const trainTools: NonNullable<StepTools['train']> = {
  entry: join(ROOT_FOLDER, 'packages/enclave/src/train/process/worker.ts'),
  threads: 1,
}

export const bank: RoomParty = roomParty(seed(60))
export const shop: RoomParty = roomParty(seed(61))
const PARTIES: Readonly<Record<string, RoomParty>> = { bank, shop }
const SIGNERS = { bank: BANK, shop: SHOP } as const

/** A board in memory, which a test may make lie. */
export class MemoryBoard implements BoardFiles {
  readonly files = new Map<string, Uint8Array>()
  /** Given instead of what is asked for. */
  swapped: Uint8Array | undefined
  onRead: (() => Promise<void> | void) | undefined

  async read(
    _access: unknown,
    digest: string,
    { start, length }: { start: number; length: number },
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    await this.onRead?.()
    signal.throwIfAborted()
    const file = this.swapped ?? this.files.get(digest)
    if (file === undefined) throw roomRoleError('ROOM_FILES', 'no such file')
    return file.slice(start, start + length)
  }

  async write(_access: unknown, digest: string, sealed: Uint8Array): Promise<void> {
    this.files.set(digest, sealed.slice())
  }
}

/** A KMS, a room and two parties in one process; the software TEE is a key of the test. */
export class RoomLab {
  readonly world: RoomWorld
  readonly board: MemoryBoard
  /** What the room reads files from and writes them to: `board`, or another that a test brings. */
  readonly files: BoardFiles
  readonly access = { board: '00'.repeat(32), token: 'A'.repeat(43) }
  readonly host: EngineHost
  readonly tools: StepTools
  runs: RunTable
  app: App
  callKey = WRAP_SUITE.kem.generate()
  shown: RoomEvidence | undefined
  readonly refused: string[] = []
  readonly envelopes = new Map<Name, string>()

  private constructor(world: RoomWorld, host: EngineHost, tools: StepTools, files?: BoardFiles) {
    this.world = world
    this.board = new MemoryBoard()
    this.files = files ?? this.board
    this.host = host
    this.tools = tools
    this.runs = this.#table(ROOM)
    this.app = this.#app()
  }

  /** @param change of the contract of {@link contractOf}; its parties have the keys of these parties */
  static async open(
    change: (contract: Contract) => Partial<Contract> = () => ({}),
    tools: Partial<StepTools> = {},
    files?: BoardFiles,
  ): Promise<RoomLab> {
    const world = await RoomWorld.open()
    const plain = { ...contractOf(world.genesis, world.now), parties: [bank.as('bank'), shop.as('shop')] }
    world.use({ ...plain, ...change(plain) })
    const host = await EngineHost.open({
      entry: join(ROOT_FOLDER, 'packages/enclave/src/engines/worker/main.ts'),
      require: 'best-effort',
    })
    const sql = {
      entry: join(ROOT_FOLDER, 'packages/enclave/src/room/sql/worker.ts'),
      part: PART,
      memoryBytes: 512 * 1024 * 1024,
      threads: 1,
      timeoutMs: 60_000,
    }
    const wasm = { entry: join(ROOT_FOLDER, 'packages/enclave/src/room/wasm/worker.ts') }
    return new RoomLab(
      world,
      host,
      { host, wasm, train: trainTools, ...(hasDuckDb && { sql }), ...tools },
      files,
    )
  }

  async close(): Promise<void> {
    this.runs.close()
    await this.host.close()
  }

  /** The room starts again, perhaps as another program: it knows no run any more. */
  restart(workload: Workload = ROOM): void {
    this.runs.close()
    this.callKey = WRAP_SUITE.kem.generate()
    this.runs = this.#table(workload)
    this.app = this.#app()
  }

  #judging() {
    const { world } = this
    return {
      kms: createKmsClient('http://kms.test', (input, init) => this.#kms(input, init)),
      log: createLogClient({
        ...world.config.log,
        witnesses: world.config.witnesses,
        fetch: world.log.fetch,
      }),
      policy: trustPolicyOf(world),
      now: () => world.now,
      observe() {},
    }
  }

  /** What a test does with calls of the room to its KMS. */
  onKms: ((bytes: Uint8Array) => void) | undefined

  /** Paths that the room asked its KMS for. */
  readonly askedKms: string[] = []

  async #kms(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    this.askedKms.push(new URL(request.url).pathname)
    if (init?.body instanceof Uint8Array) this.onKms?.(init.body)
    return this.world.app(request)
  }

  #table(workload: Workload): RunTable {
    const judging = { ...this.#judging(), hardware: hardwareOf(workload) }
    const kmsCalls = createKmsCalls(judging.kms)
    const good = new GoodQueries()
    return new RunTable({
      prepare: {
        ...judging,
        contracts: kmsCalls,
        maxInputBytes: 1_000_000_000,
        maxResultBytes: 2 ** 32,
        requireRunnable: (plan) => requireRunnable(plan, this.tools, good),
      },
      parts: {
        kms: kmsCalls,
        async service() {
          const { service, bundle } = await verifyKms(judging)
          return { ...service, bundle: encodeTrustBundle(bundle) }
        },
        board: this.files,
        tools: this.tools,
        maxResultBytes: 100_000_000,
        now: () => this.world.now,
        inTurn: (work) => work(),
      },
    })
  }

  #app(): App {
    return createRoomApp({
      callKey: this.callKey,
      shown: () => (this.shown === undefined ? undefined : utf8(JSON.stringify(this.shown))),
      runs: this.runs,
      onRefused: (code) => this.refused.push(code),
    })
  }

  /** Evidence of the room for calls to it, as it is now. */
  async attest(workload: Workload = ROOM): Promise<RoomEvidence> {
    const { binding, pieces, checkpoint } = await collectBound(
      { ...this.#judging(), hardware: hardwareOf(workload) },
      { wrapKey: this.callKey.publicKey, receiptKey: createReceiptKey().publicKey },
    )
    return (this.shown = { evidence: pieces, binding, checkpoint: checkpoint.note })
  }

  /** Every party accepts, and each input is what it is given here. */
  async prepare(data: Readonly<Record<Name, SealedData>>): Promise<void> {
    for (const { name } of this.world.contract.parties) await this.world.ok(this.world.accept(name))
    for (const [input, one] of Object.entries(data)) await this.add(input, one)
  }

  /** An owner puts its sealed file on the board, its key into the KMS, and says so. */
  async add(input: Name, data: SealedData, change: Partial<DataStatement> = {}): Promise<void> {
    const { world } = this
    const { owner } = world.contract.inputs.find(({ name }) => name === input)!
    const signer = SIGNERS[owner as keyof typeof SIGNERS]
    this.board.files.set(data.digest, data.file)
    const under = { contract: world.digest }
    await world.kms.importArtifact(data.id, world.artifactImport(data.id, data.contentKey, under, signer))
    const envelope = world.signed('data', owner, {
      input,
      artifact: data.id,
      sealed: data.digest,
      bytes: data.file.length,
      content: data.content,
      version: 1,
      ...change,
    })
    await world.ok({ call: 'sign', contract: world.digest, kind: 'data', envelope })
    this.envelopes.set(input, envelope)
  }

  /** Sends a call to the room. @throws Error with the refusal */
  async ask<T>(call: RoomCall | object): Promise<T> {
    const key = Buffer.from(this.callKey.publicKey).toString('base64url')
    const sealedCall = sealCall(key, utf8(JSON.stringify(call)))
    const body = sealedCall.bytes as Uint8Array<ArrayBuffer>
    const response = await this.app(new Request('http://room.test/v1/runs', { method: 'POST', body }))
    const bytes = new Uint8Array(await response.arrayBuffer())
    const plain = response.ok ? sealedCall.open(bytes) : bytes
    const answer = JSON.parse(fromUtf8(plain)) as T & { error?: { code: string; message: string } }
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error)
    return answer
  }

  /** A party asks for a run. */
  offer(change: object = {}, by = 'shop'): Promise<OfferedRun> {
    const { world } = this
    const inputs = world.contract.inputs.filter(({ name }) => this.envelopes.has(name))
    return this.ask<OfferedRun>({
      call: 'offer',
      nonce: randomBytes(16).toString('hex'),
      contract: world.text,
      inquiry: world.signed('inquiry', by),
      transform: world.contract.transforms.at(-1)!.name,
      template: 'count',
      arguments: [],
      data: inputs.map(({ name }) => this.envelopes.get(name)!),
      files: this.access,
      ...change,
    })
  }

  consents(offered: OfferedRun, by: readonly string[] = ['bank', 'shop']): string[] {
    return by.map((party) => this.world.signed('consent', party, { run: runDigest(offered.offer) }))
  }

  begin(offered: OfferedRun, consents: string[] = this.consents(offered), by = 'shop'): Promise<RunView> {
    const inquiry = this.world.signed('inquiry', by)
    return this.ask({ call: 'begin', run: runDigest(offered.offer), inquiry, consents })
  }

  look(run: string, by = 'shop'): Promise<RunView> {
    return this.ask({ call: 'look', run, inquiry: this.world.signed('inquiry', by) })
  }

  /** Looks until the run is at rest. */
  async settled(run: string): Promise<RunView> {
    for (;;) {
      const view = await this.look(run)
      if (view.state !== 'running') return view
      await new Promise((done) => setTimeout(done, 10))
    }
  }

  /** Offer, consents, and where it ended. */
  async run(change: object = {}): Promise<{ view: RunView; offered: OfferedRun }> {
    const offered = await this.offer(change)
    await this.begin(offered)
    return { view: await this.settled(runDigest(offered.offer)), offered }
  }

  /** An output as one of its receivers reads it. */
  async open(
    envelope: string,
    offered: OfferedRun,
    as: Name,
  ): Promise<{ sealed: SealedOutput; content: Uint8Array }> {
    const { receiptKey } = offered.offer
    const of = verifySealedOutput(envelope, { run: runDigest(offered.offer), receiptKey })
    const contentKey = openOutputKey(of, as, PARTIES[as]!.sealing)
    const file = this.board.files.get(of.sealed)!
    const opened = await openArtifact(
      async (start, length) => file.slice(start, start + length),
      contentKey,
      of.artifact,
    )
    const content = Buffer.concat(await Array.fromAsync(opened.content))
    requireOutput(opened.metadata, content, of)
    return { sealed: of, content }
  }

  async text(envelope: string, offered: OfferedRun, as: Name): Promise<string> {
    return fromUtf8((await this.open(envelope, offered, as)).content)
  }
}
