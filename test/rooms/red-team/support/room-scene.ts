import { type Contract, type DataStatement, runDigest } from '@sotto/protocol/contract'
import type { OfferedRun, RunView } from '@sotto/protocol/room'
import { BANK, ROOM, SHOP } from '../../../../packages/kms/test/contracts/room-world.ts'
import { seed, signer, type Voter, type Workload } from '../../../../packages/kms/test/world.ts'
import { ownModel, sealedModel } from '../../support/models.ts'
import { RoomLab } from '../../support/room-lab.ts'
import { itemsOf, sealed, type SealedData } from '../../support/sealed-data.ts'
import { BoardServer } from './board-server.ts'
import { CANARIES, LETTERS } from './canaries.ts'
import { type Mark, markOf } from './mark.ts'

/** Takes sentences as they stand, so that it would let out whatever nobody keeps in. */
export const MODEL = ownModel('sotto-extractive')

/** Whoever is no party of any contract. */
export const MALLORY: Voter = signer(66)
export const STRANGER_SEED: Uint8Array = seed(66)

const DAY = 86_400
const BOOT_SECONDS = 6 * 3600
/** As many as a test spends at most. */
const RUNS = 1000
const RULES = { receivers: ['bank', 'shop'], forbidden: [], minContributors: 1, noisy: false, review: false }

/** The bank's letters, read by a model of the shop, which gets what it makes of them. */
export function lettersContract(contract: Contract): Partial<Contract> {
  const uses = [{ transform: 'summary', runs: RUNS }]
  const task = { kind: 'infer', action: 'summarise', model: 'model', digest: MODEL.manifest.digest } as const
  return {
    inputs: [
      { name: 'letters', owner: 'bank', kind: 'text', uses, rules: RULES },
      { name: 'model', owner: 'shop', kind: 'model', uses, rules: RULES },
    ],
    transforms: [
      {
        name: 'summary',
        reads: ['letters', 'model'],
        room: [ROOM.image],
        task: { ...task, settings: {} },
      },
    ],
    outputs: [{ name: 'summaries', from: 'summary', receivers: ['shop'], maxBytes: 100_000 }],
    notAfter: contract.notBefore + 30 * DAY,
  }
}

/** The same, with an owner who looks at what leaves. */
export function reviewedContract(contract: Contract): Partial<Contract> {
  const plain = lettersContract(contract)
  return {
    ...plain,
    inputs: plain.inputs!.map((input) =>
      input.owner === 'bank' ? { ...input, rules: { ...input.rules, review: true } } : input,
    ),
  }
}

/** A room, its KMS and two parties, which attacks share: each leaves it as it was. */
export class RoomScene {
  readonly lab: RoomLab
  readonly board: BoardServer
  /** What the inputs are when nobody attacks. */
  readonly good: Readonly<Record<string, SealedData>>
  readonly #contract: Contract
  #version = 1
  /** Of no other contract of these tests. */
  #contracts = 100
  #bootedAt: number

  private constructor(lab: RoomLab, board: BoardServer, good: Readonly<Record<string, SealedData>>) {
    this.lab = lab
    this.board = board
    this.good = good
    this.#contract = lab.world.contract
    this.#bootedAt = lab.world.now
  }

  /** A room with letters and a model, and data in it. */
  static async letters(
    change: (contract: Contract) => Partial<Contract> = lettersContract,
  ): Promise<RoomScene> {
    return RoomScene.of(change, {
      letters: await sealed('text', 'text', itemsOf(LETTERS), { items: LETTERS.length }),
      model: await sealedModel(MODEL),
    })
  }

  static async of(
    change: (contract: Contract) => Partial<Contract>,
    data: Readonly<Record<string, SealedData>>,
  ): Promise<RoomScene> {
    const board = new BoardServer()
    const lab = await RoomLab.open(change, {}, board.client())
    const { world } = lab
    await world.admitOwners([BANK, SHOP].map((owner) => world.owner(owner, 200)))
    await lab.prepare(data)
    for (const { digest, file } of Object.values(data)) board.files.set(digest, file)
    return new RoomScene(lab, board, data)
  }

  close(): Promise<void> {
    return this.lab.close()
  }

  /** As it was before an attack: a room that started again, honest files, and statements of them. */
  async restore(): Promise<void> {
    const { lab } = this
    const { world } = lab
    this.board.lie = undefined
    this.board.onRead = undefined
    lab.onKms = undefined
    lab.restart()
    world.now += 60
    // After an attack that lets days go by, the KMS shows fresh evidence again.
    if (world.now - this.#bootedAt > BOOT_SECONDS) await this.#boot()
    if (world.contract !== this.#contract) world.use(this.#contract)
    for (const [input, data] of Object.entries(this.good)) {
      this.board.files.set(data.digest, data.file)
      const stated = world.kms.view.state.contracts.get(world.digest)?.data[input]
      if (stated?.artifact !== data.id || stated.content !== data.content) await this.state(input, data)
      else this.lab.envelopes.set(input, stated.envelope)
    }
  }

  async #boot(): Promise<void> {
    const { world } = this.lab
    await world.start()
    this.#bootedAt = world.now
  }

  /** An owner brings other data: key, file and statement. */
  async add(input: string, data: SealedData, change: Partial<DataStatement> = {}): Promise<void> {
    this.board.files.set(data.digest, data.file)
    await this.lab.add(input, data, { version: ++this.#version, ...change })
  }

  /** An owner states data whose key the KMS has. */
  async state(input: string, data: SealedData, change: Partial<DataStatement> = {}): Promise<void> {
    const envelope = this.statement(input, data, change)
    const { world } = this.lab
    await world.ok({ call: 'sign', contract: world.digest, kind: 'data', envelope })
    this.lab.envelopes.set(input, envelope)
  }

  /** What an owner would sign. */
  statement(input: string, data: SealedData, change: Partial<DataStatement> = {}, by?: Voter): string {
    const { world } = this.lab
    const { owner } = world.contract.inputs.find(({ name }) => name === input)!
    const stated = {
      input,
      artifact: data.id,
      sealed: data.digest,
      bytes: data.file.length,
      content: data.content,
      version: ++this.#version,
      ...change,
    }
    return world.signed('data', owner, stated, by ?? (owner === 'bank' ? BANK : SHOP))
  }

  offer(change: object = {}, by?: string): Promise<OfferedRun> {
    return this.lab.offer({ template: undefined, ...change }, by)
  }

  /** Offer, consents of everybody, and where it ended. */
  async run(change: object = {}): Promise<RunView> {
    return this.begun(await this.offer(change))
  }

  async begun(offered: OfferedRun): Promise<RunView> {
    await this.lab.begin(offered)
    return this.lab.settled(runDigest(offered.offer))
  }

  /** The honest inputs sealed anew: a key is given for one contract. */
  async copies(): Promise<Record<string, SealedData>> {
    return {
      letters: await sealed('text', 'text', itemsOf(LETTERS), { items: LETTERS.length }),
      model: await sealedModel(MODEL),
    }
  }

  /** Another contract of the same parties, which both accept; nothing is in it yet. */
  async draft(change: Partial<Contract> = {}): Promise<void> {
    const salt = Buffer.alloc(32, ++this.#contracts).toString('base64url')
    const { world } = this.lab
    world.use({ ...world.contract, salt, ...change })
    for (const party of ['bank', 'shop']) await world.ok(world.accept(party))
  }

  /** Another contract of the same parties: accepted, and with data in it. */
  async anew(change: Partial<Contract> = {}): Promise<void> {
    await this.draft(change)
    for (const [input, data] of Object.entries(await this.copies())) await this.add(input, data)
  }

  /** Statements about the honest inputs, as owners would sign them for the contract in hand. */
  statements(): string[] {
    return this.lab.world.contract.inputs.map(({ name }) => this.statement(name, this.good[name]!))
  }

  /** The room starts again as another program. */
  as(workload: Workload): void {
    this.lab.restart(workload)
  }

  /** Letters of other content than the honest ones. */
  static letter(text: string | Uint8Array = `${CANARIES.swapped} is another letter.`): Promise<SealedData> {
    return sealed('text', 'text', itemsOf([text]))
  }

  mark(): Mark {
    return markOf(this.lab, this.written)
  }

  get written(): readonly Uint8Array[] {
    return this.board.written
  }
}
