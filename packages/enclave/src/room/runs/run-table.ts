import type { OfferedRun, RoomCall, RunView } from '@sotto/protocol/room'
import { type Digest, documentDigest, type UnixSeconds } from '@sotto/protocol/keyrelease'
import { roomRoleError } from '../errors.ts'
import { type PrepareContext, prepareRun } from './prepare-run.ts'
import { requireParty } from './require-party.ts'
import { RoomRun, type RunParts } from './room-run.ts'

/** Runs that a room remembers at once. */
const MAX_RUNS = 256
/** Of those, of one contract. */
const MAX_RUNS_PER_CONTRACT = 32
/** How long a run that ended is still shown. */
const KEPT_SECONDS = 3600
/** An offer is answered the same for so long: longer than its inquiry counts, by either clock. */
const REMEMBERED_SECONDS = 900

/** What the table is made of. */
export interface RunTableOptions {
  prepare: PrepareContext
  parts: RunParts
}

/** The runs of a room, from offer to end. They are in memory only: a room that starts again knows none of them. */
export class RunTable {
  readonly #options: RunTableOptions
  readonly #runs = new Map<Digest, RoomRun>()
  readonly #answered = new Map<Digest, { answer: Promise<OfferedRun>; until: UnixSeconds }>()
  #preparing = 0

  constructor(options: RunTableOptions) {
    this.#options = options
  }

  /** Answers an opened call. @throws the codes of each */
  async answer(call: RoomCall): Promise<OfferedRun | RunView> {
    this.sweep()
    if (call.call === 'offer') return this.#offer(call)
    const run = this.#runs.get(call.run)
    if (run === undefined)
      throw roomRoleError('ROOM_RUN_UNKNOWN', 'this room has no such run', {
        hint: 'It expired, or the room started again: ask for a new one.',
      })
    requireParty(call.inquiry, run.job.named, this.#now())
    if (call.call === 'begin') run.begin(call.consents)
    if (call.call === 'approve') run.approve(call.approvals)
    if (call.call === 'cancel') run.cancel()
    return run.view
  }

  /** Forgets what nobody can go on with. */
  sweep(): void {
    const now = this.#now()
    for (const [digest, run] of this.#runs) {
      const { notAfter } = run.job.offer
      if (now < notAfter) continue
      // Without its offer nothing of it can ever leave; what was permitted is tried again for a while, not for ever.
      if (isActive(run) && (!run.isPermitted || now >= notAfter + KEPT_SECONDS)) run.expire()
      const isShown = run.hasBegun && now < notAfter + KEPT_SECONDS
      if (!isActive(run) && !isShown) this.#runs.delete(digest)
    }
    for (const [digest, { until }] of this.#answered) if (now >= until) this.#answered.delete(digest)
  }

  /** Ends all. */
  close(): void {
    for (const run of this.#runs.values()) run.cancel()
    this.#runs.clear()
  }

  /** A call that comes again, from whoever saw it pass, is the same offer: it takes no place. */
  #offer(call: RoomCall & { call: 'offer' }): Promise<OfferedRun> {
    const digest = documentDigest(call)
    const known = this.#answered.get(digest)
    if (known !== undefined) return known.answer
    const answer = this.#prepare(call)
    this.#answered.set(digest, { answer, until: this.#now() + REMEMBERED_SECONDS })
    // What was refused may be asked again.
    answer.catch(() => this.#answered.delete(digest))
    return answer
  }

  async #prepare(call: RoomCall & { call: 'offer' }): Promise<OfferedRun> {
    this.#makeRoom()
    this.#preparing++
    try {
      const job = await prepareRun(call, this.#options.prepare)
      const ofContract = [...this.#runs.values()].filter(
        (run) => run.job.named.digest === job.named.digest && isActive(run),
      )
      if (ofContract.length >= MAX_RUNS_PER_CONTRACT)
        throw busy(`${MAX_RUNS_PER_CONTRACT} runs of one contract`)
      this.#runs.set(job.run, new RoomRun(job, this.#options.parts))
      return { offer: job.offer, shown: job.shown }
    } finally {
      this.#preparing--
    }
  }

  /** Runs that ended make room for new ones, the oldest first. */
  #makeRoom(): void {
    for (const [digest, run] of this.#runs) {
      if (this.#runs.size + this.#preparing < MAX_RUNS) return
      if (!isActive(run)) this.#runs.delete(digest)
    }
    if (this.#runs.size + this.#preparing >= MAX_RUNS) throw busy(`${MAX_RUNS} runs`)
  }

  #now(): UnixSeconds {
    return this.#options.parts.now()
  }
}

/** Whether something may still come of it. */
function isActive({ state }: RoomRun): boolean {
  return state === 'offered' || state === 'running' || state === 'waiting'
}

function busy(expected: string): Error {
  return roomRoleError('ROOM_BUSY', 'as many runs as this room takes are offered or running', {
    expected: `at most ${expected}`,
  })
}
