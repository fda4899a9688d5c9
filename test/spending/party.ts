import { fromBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { prepareSigner } from '@sotto/protocol/dsse'
import type { LoggedStatement } from '@sotto/protocol/keyrelease'
import {
  createKmsSpentSet,
  type KmsSpentSet,
  type SpentEntry,
} from '../../packages/enclave/src/gateway/tokens/index.ts'
import { createKmsClient } from '../../packages/enclave/src/release/kms-client.ts'
import type { Kms } from '../../packages/kms/src/core/index.ts'
import { createKmsApp } from '../../packages/kms/src/http/index.ts'
import { MemoryStore } from '../../packages/kms/test/store/memory.ts'
import { Enclave, World } from '../../packages/kms/test/world.ts'

/** What happens to one exchange on its way. */
export type Carry = (path: string, send: () => Promise<Response>) => Promise<Response>

/** A KMS that can be killed, started again and turned back, and everything gateways need of it. */
export class Party {
  readonly world: World
  /** One app for each run: its clock for rate limits is the machine's. */
  readonly #apps = new WeakMap<Kms, ReturnType<typeof createKmsApp>>()

  private constructor(world: World) {
    this.world = world
  }

  static async open(): Promise<Party> {
    return new Party(await World.ready())
  }

  get store(): MemoryStore {
    return this.world.store as MemoryStore
  }

  /** Killed and started again: nothing of the run before is told of it. */
  restart(): Promise<Kms> {
    return this.world.start()
  }

  /** What an operator keeps to put back later. */
  copy(): MemoryStore {
    const store = new MemoryStore()
    for (const [name, record] of this.store.records) store.records.set(name, record)
    return store
  }

  /** Puts back what a copy says of spent tokens and nothing else: a whole older store is refused anyway (T11). */
  turnBack(copy: MemoryStore): void {
    const isSpent = ([name]: [string, unknown]): boolean => name.startsWith('spent\0')
    for (const [name] of [...this.store.records].filter(isSpent)) this.store.records.delete(name)
    for (const [name, record] of [...copy.records].filter(isSpent)) this.store.records.set(name, record)
  }

  /** More than a starting KMS waits for. */
  wait(): void {
    this.world.now += 31
  }

  async answer(kms: Kms, request: Request): Promise<Response> {
    const app = this.#apps.get(kms) ?? createKmsApp({ kms: () => kms })
    this.#apps.set(kms, app)
    return app(request)
  }

  gateway(change: { holdMs?: number } = {}, reaches?: () => Kms): Promise<Gateway> {
    return Gateway.open(this, change, reaches)
  }
}

/** One boot of an enclave with its spent set, and the wire between it and the KMS. */
export class Gateway {
  readonly enclave: Enclave
  readonly set: KmsSpentSet
  readonly #party: Party
  receipt: LoggedStatement | undefined
  /** Which run of the KMS it reaches; by default the newest. */
  reaches: () => Kms
  carry: Carry = (_, send) => send()

  private constructor(party: Party, holdMs: number) {
    this.#party = party
    this.reaches = () => party.world.kms
    this.enclave = new Enclave(party.world.workload)
    const { seed, publicKey } = this.enclave.receiptKey
    const fetch: typeof globalThis.fetch = (input, init) => {
      const request = new Request(input, init as RequestInit)
      return this.carry(new URL(request.url).pathname, () => party.answer(this.reaches(), request))
    }
    this.set = createKmsSpentSet({
      kms: createKmsClient('http://kms.test', fetch),
      genesis: party.world.genesis,
      signer: prepareSigner({ secretSeed: seed, publicKey }),
      receipt: () => this.receipt,
      statementKey: async () => fromBase64Url(this.reaches().view.boot.statementKey.publicKey),
      holdMs,
      retryMs: 1,
    })
  }

  static async open(
    party: Party,
    { holdMs = 200 }: { holdMs?: number },
    reaches?: () => Kms,
  ): Promise<Gateway> {
    const gateway = new Gateway(party, holdMs)
    if (reaches) gateway.reaches = reaches
    await gateway.attest()
    await gateway.set.tick()
    return gateway
  }

  /** Obtains keys, and with them a receipt. */
  async attest(): Promise<void> {
    const { world } = this.#party
    this.receipt = (await this.reaches().release(await this.enclave.request(world))).receipt
  }

  get context(): string {
    return Buffer.from(this.set.context()!).toString('hex')
  }

  spend(...entries: SpentEntry[]): Promise<boolean[]> {
    return this.set.set.spend(entries)
  }
}

const keyId = crypto.sha256(new Uint8Array(1))

export function token(world: World, change: Partial<SpentEntry> = {}): SpentEntry {
  return { nonce: crypto.randomBytes(32), keyId, expiresAt: world.now + 100_000, ...change }
}
