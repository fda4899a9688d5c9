import type {
  AskedRun,
  JudgedOffer,
  JudgedRun,
  OpenedOutput,
  Room,
  RoomRun,
  RunProof,
} from '@sotto/client/rooms'
import { type NamedContract, planRun } from '@sotto/protocol/contract'
import type { Digest } from '@sotto/protocol/keyrelease'
import type { RunView } from '@sotto/protocol/room'
import type { Step } from '@sotto/verifier'
import { refusalOf, type Trouble, troubleOf } from '../../connection/index.ts'
import { Action } from './action.svelte.ts'
import { findProven } from './find-proven.ts'
import { type LossCurve, withLoss } from './loss-curve.ts'
import type { OpenRoom } from './open-room.svelte.ts'
import { roomSteps } from './room-steps.ts'
import { decisionOf } from './run-stage.ts'

/** What is done with one run in this tab, and what it came to. */
export class RunWork {
  /** One thing at a time. */
  readonly doing: Action = new Action()
  doingWhat = $state<
    'judge' | 'consent' | 'decline' | 'begin' | 'review' | 'decide' | 'release' | 'outputs' | 'proof'
  >()
  /** The offer, once every step about it has passed. */
  judged = $state.raw<JudgedOffer>()
  /** Why room or offer do not pass. A check that could not be made is none: it is made again. */
  refusal = $state.raw<Trouble>()
  /** Steps about the room, passed or not, of the last check. */
  steps = $state.raw<readonly Step[]>([])
  /** What the room says; undefined where it was not asked here. */
  live = $state.raw<RunView>()
  /** Of a training: what the room has said of its loss since it was first asked here. */
  loss = $state.raw<LossCurve>()
  /** Why the room does not say how it stands. */
  unseen = $state.raw<Trouble>()
  toReview = $state.raw<readonly OpenedOutput[]>()
  outputs = $state.raw<readonly OpenedOutput[]>()
  /** What is said of a run that is done, every statement verified. */
  verified = $state.raw<JudgedRun>()
  /** Why what members say of it does not hold. */
  doubt = $state.raw<Trouble>()

  readonly #room: OpenRoom
  readonly #run: Digest
  /** Where the board has what does not hold. */
  readonly #refuted = new Set<number>()
  #isFollowed = false

  constructor(room: OpenRoom, run: Digest) {
    this.#room = room
    this.#run = run
  }

  /** Verifies the room and what it offers. Nothing is sent, and nothing signed. */
  judge(named: NamedContract): Promise<void> {
    return this.#do('judge', async (room, run) => {
      this.judged = undefined
      this.refusal = undefined
      this.steps = []
      try {
        this.judged = await room.judge(named, run)
        this.steps = this.judged.steps
      } catch (error) {
        const refusal = refusalOf(error)
        if (refusal === undefined) throw error
        this.refusal = refusal
        this.steps = await roomSteps(this.#room.connection, named, run)
      }
    })
  }

  consent(named: NamedContract): Promise<void> {
    return this.#do('consent', async (room, run) => {
      // What was looked at is what is signed: it is one offer, named by its digest, and judged again.
      if (this.judged?.run !== this.#run) throw new Error('nobody has looked at this run')
      await room.consent(named, run)
    })
  }

  decline(reason: string): Promise<void> {
    return this.#do('decline', (room, run) => room.decline(run, reason === '' ? undefined : reason))
  }

  begin(named: NamedContract): Promise<void> {
    return this.#do('begin', async (room, run) => {
      const { signal } = this.#room.over
      this.#see(await room.begin(named, run, { signal, onView: (view) => this.#see(view) }))
    })
  }

  /**
   * Asks the room how it stands, and again while it computes, for another member may have begun it. Whoever that was may be
   * gone when it ends: then this member tells the others.
   */
  async follow(named: NamedContract): Promise<void> {
    // What is done here is followed by itself; and what cannot help is not tried again.
    if (this.#isFollowed || this.doing.isWorking || this.unseen?.canRetry === false) return
    this.#isFollowed = true
    try {
      const { signal } = this.#room.over
      const room = await this.#room.open()
      const seen = await room.follow(named, this.#run, { signal, onView: (view) => this.#see(view) })
      this.#see(seen)
      this.unseen = undefined
      if (seen.state === 'offered') return
      await this.#room.lookAnew()
      if (this.#current().views[0]?.view.state !== seen.state) await room.tell(seen)
    } catch (error) {
      this.unseen = troubleOf(error)
    } finally {
      this.#isFollowed = false
    }
  }

  /** Not one thing at a time: it ends another. */
  async cancel(named: NamedContract): Promise<void> {
    try {
      this.#see(await (await this.#room.open()).cancel(named, this.#run))
    } catch (error) {
      this.doing.trouble = troubleOf(error)
    }
  }

  review(named: NamedContract): Promise<void> {
    return this.#do('review', async (room, run) => {
      this.toReview = await room.review(named, run)
    })
  }

  /** Says what this owner thinks of the outputs. Who decides last brings all decisions to the room. */
  decide(named: NamedContract, verdict: 'release' | 'refuse'): Promise<void> {
    return this.#do('decide', async (room, run) => {
      await room.decide(named, run, this.toReview ?? [], verdict)
      await this.#room.lookAnew()
      const now = this.#current()
      const { reviewers } = planRun(named.contract, now.offered.offer.transform)
      const decisions = reviewers.map((one) => decisionOf(named, now, one))
      if (decisions.includes('refuse') || !decisions.includes(undefined)) await this.#release(room, named)
    })
  }

  release(named: NamedContract): Promise<void> {
    return this.#do('release', (room) => this.#release(room, named))
  }

  open(named: NamedContract): Promise<void> {
    return this.#do('outputs', async (room, run) => {
      this.outputs = await room.outputs(named, run)
    })
  }

  async proof(named: NamedContract): Promise<RunProof | undefined> {
    let proof: RunProof | undefined
    await this.#do('proof', async (room, run) => {
      proof = await room.proof(named, run)
    })
    return proof
  }

  /** Verifies what members tell of a run that is done, until something of it holds; each of it once. */
  async verify(run: RoomRun): Promise<void> {
    const named = this.#room.state?.proposals.get(run.offered.offer.contract)
    if (this.verified !== undefined || named === undefined) return
    try {
      const proven = await findProven(run, this.#refuted, (view) =>
        this.#room.connection.sotto.rooms.runs.verify(named, run.offered, view),
      )
      if (proven === undefined) return
      this.verified = proven
      this.doubt = undefined
    } catch (error) {
      this.doubt = troubleOf(error)
    }
  }

  async #release(room: Room, named: NamedContract): Promise<void> {
    const { signal } = this.#room.over
    this.#see(await room.release(named, this.#current(), { signal, onView: (view) => this.#see(view) }))
  }

  #see(view: RunView): void {
    this.live = view
    this.loss = withLoss(this.loss, view)
  }

  #do(
    what: NonNullable<RunWork['doingWhat']>,
    work: (room: Room, run: RoomRun) => Promise<unknown>,
  ): Promise<void> {
    return this.doing.run(async () => {
      this.doingWhat = what
      try {
        await work(await this.#room.open(), this.#current())
      } finally {
        this.doingWhat = undefined
      }
      if (what !== 'judge') await this.#room.lookAnew()
    })
  }

  /** As the board tells it by now. */
  #current(): RoomRun {
    return this.#room.state!.runs.get(this.#run)!
  }
}

/** Asks for a run: the room's offer is judged, and consented to where this party owns an input. */
export async function askFor(room: OpenRoom, named: NamedContract, asked: AskedRun): Promise<void> {
  await (await room.open()).ask(named, asked)
  await room.lookAnew()
}
