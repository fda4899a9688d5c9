import {
  type BoardEntry,
  foldRoom,
  openBoard,
  type Room,
  type RoomParty,
  type RoomSecret,
  type RoomState,
  fingerprint,
  hasSameKeys,
} from '@sotto/client/rooms'
import type { ConsentKind, ContractView, Name, NamedContract, Party } from '@sotto/protocol/contract'
import { SottoError } from '@sotto/protocol/errors'
import type { Digest } from '@sotto/protocol/keyrelease'
import { type Connection, type Trouble, troubleOf } from '../../connection/index.ts'
import { words } from '../../words/index.ts'
import { DataUpload } from './data-upload.svelte.ts'
import { RunWork } from './run-work.svelte.ts'

/** Where a contract stands; `unsigned`: the KMS has heard of it from nobody. */
export type Standing = ContractView | 'unsigned'

/** Contracts that nobody looks at are asked about once, so many at a look: a member can propose thousands. */
const ASKED_AT_A_LOOK = 8

/** What a room is opened with. */
export interface RoomAccess {
  secret: RoomSecret
  party: RoomParty
  name: Name
  isKept: boolean
}

/** What somebody is about to ask of a contract: in this tab alone, also while another page is looked at. */
export class Asking {
  transform = $state<string>()
  template = $state<string>()
  values = $state<Record<string, string>>({})
  note = $state('')
}

/** A room as this tab has it. What it sends goes through the connection as it is verified then, or not at all. */
export class OpenRoom {
  state = $state.raw<RoomState>()
  standings = $state.raw<ReadonlyMap<Digest, Standing>>(new Map())
  /** What went wrong at the last look at the board. */
  trouble = $state.raw<Trouble>()
  isLooking = $state(false)
  /** When the board was read last, milliseconds. */
  lookedAt = $state<number>()
  /** Ends what is on its way. */
  readonly over: AbortController = new AbortController()

  readonly connection: Connection
  readonly name: Name
  readonly board: string
  readonly isKept: boolean
  /** Of this party, as contracts name it. */
  readonly own: Party

  readonly #secret: RoomSecret
  readonly #party: RoomParty
  readonly #entries: BoardEntry[] = []
  readonly #runs = new Map<Digest, RunWork>()
  readonly #uploads = new Map<string, DataUpload>()
  readonly #askings = new Map<Digest, Asking>()
  /** Contracts that somebody looks at. */
  readonly #watched = new Set<Digest>()
  #looking: Promise<void> | undefined

  constructor(connection: Connection, { secret, party, name, isKept }: RoomAccess) {
    this.connection = connection
    this.name = name
    this.board = secret.board
    this.isKept = isKept
    this.own = party.as(name)
    this.#secret = secret
    this.#party = party
  }

  get key(): string {
    return this.own.key
  }

  get fingerprint(): string {
    return fingerprint(this.own)
  }

  /** The room through what is verified now. @throws `Error` unless something is */
  open(): Promise<Room> {
    const { name } = this
    return this.connection.sotto.rooms.open({ secret: this.#secret, party: this.#party, name })
  }

  /** @throws what reading and writing the board throws; `Error` where the name is somebody else's */
  async join(): Promise<void> {
    await this.#read()
    const present = this.state?.members.get(this.name)?.party
    if (hasSameKeys(present, this.own)) return
    const { taken, takenHint } = words.rooms.join
    if (present !== undefined) throw new Error(`${taken(this.name)} ${takenHint}`)
    await (await this.open()).join()
    await this.#read()
  }

  /** Looks at the board and at the contracts. Who asks meanwhile gets the same look. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  /** Looks after something was done here: what began to look before may not have seen it. */
  async lookAnew(): Promise<void> {
    await this.#looking
    await this.look()
  }

  /** Signs that a consent is taken back. @throws as `Contracts.withdraw` */
  async withdraw(named: NamedContract, consent: ConsentKind): Promise<void> {
    this.#stand(named, await this.connection.sotto.rooms.withdraw(named, consent, { party: this.#party }))
  }

  /** @throws as `Room.accept` */
  async accept(named: NamedContract): Promise<void> {
    this.#stand(named, await (await this.open()).accept(named))
  }

  /** @throws as `Room.close` */
  async close(named: NamedContract): Promise<void> {
    this.#stand(named, await (await this.open()).close(named))
  }

  /** Name of this party in a contract; undefined where it is none of them. */
  ownNameIn({ contract }: Pick<NamedContract, 'contract'>): Name | undefined {
    return contract.parties.find(({ key }) => key === this.key)?.name
  }

  /** What is done with a run here, kept while other pages are looked at. */
  runOf(run: Digest): RunWork {
    const known = this.#runs.get(run) ?? new RunWork(this, run)
    this.#runs.set(run, known)
    return known
  }

  /** What is added to an input here. */
  uploadOf(named: NamedContract, input: Name): DataUpload {
    const id = `${named.digest} ${input}`
    const known = this.#uploads.get(id) ?? new DataUpload(this, named, input)
    this.#uploads.set(id, known)
    return known
  }

  /** What is filled in to ask for a run. */
  askingOf({ digest }: NamedContract): Asking {
    const known = this.#askings.get(digest) ?? new Asking()
    this.#askings.set(digest, known)
    return known
  }

  /** A contract that is looked at is asked about at every look. */
  watch({ digest }: Pick<NamedContract, 'digest'>, isWatched: boolean): void {
    if (isWatched) this.#watched.add(digest)
    else this.#watched.delete(digest)
  }

  end(): void {
    this.over.abort()
  }

  async #look(): Promise<void> {
    this.isLooking = true
    try {
      await this.#read()
      await this.#askAll([...this.state!.proposals.values()].toReversed())
      for (const run of this.state!.runs.values()) await this.runOf(run.run).verify(run)
      this.trouble = undefined
    } catch (error) {
      this.trouble = troubleOf(error)
    } finally {
      this.isLooking = false
    }
  }

  /** Reads on where the last reading ended. */
  async #read(): Promise<void> {
    const { fetch } = this.connection.sotto
    const before = this.#entries.length
    const board = openBoard(this.#secret, { fetch, signal: this.over.signal })
    for await (const entry of board.read(this.#entries.at(-1)?.index ?? 0)) this.#entries.push(entry)
    if (this.state === undefined || this.#entries.length > before) this.state = foldRoom(this.#entries)
    this.lookedAt = Date.now()
  }

  /** @param proposals the newest first */
  async #askAll(proposals: readonly NamedContract[]): Promise<void> {
    const fresh = proposals.filter(
      (named) => !this.standings.has(named.digest) && this.ownNameIn(named) !== undefined,
    )
    const asked = new Set(fresh.slice(0, ASKED_AT_A_LOOK))
    for (const named of proposals)
      if (asked.has(named) || this.#watched.has(named.digest)) await this.#ask(named)
  }

  async #ask(named: NamedContract): Promise<void> {
    const standing = this.standings.get(named.digest)
    const isOver = typeof standing === 'object' && standing.phase === 'closed'
    if (isOver || this.ownNameIn(named) === undefined) return
    try {
      this.#stand(named, await (await this.open()).view(named))
    } catch (error) {
      if (!(error instanceof SottoError) || error.found !== 'KMS_CONTRACT_UNKNOWN') throw error
      this.#stand(named, 'unsigned')
    }
  }

  #stand({ digest }: NamedContract, standing: Standing): void {
    this.standings = new Map(this.standings).set(digest, standing)
  }
}
