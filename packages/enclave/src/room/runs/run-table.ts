import type { OfferedRun, RoomCall, RunView } from '@sotto/protocol/room'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
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

/** What the table is made of. */
export interface RunTableOptions {
  prepare: PrepareContext
  parts: RunParts
}

/** The runs of a room, from offer to end. They are in memory only: a room that starts again knows none of them. */
export class RunTable {
  readonly #options: RunTableOptions
  readonly #runs = new Map<Digest, RoomRun>()
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
    if (call.call === 'approve') await run.approve(call.approvals)
    if (call.call === 'cancel') run.cancel()
    return run.view
  }

  /** Forgets what nobody can go on with. */
  sweep(): void {
    const now = this.#now()
    for (const [digest, run] of this.#runs) {
      const { notAfter } = run.job.offer
      // Without its offer a result that waits can never leave.
      if (run.view.state === 'waiting' && now >= notAfter) run.cancel()
      if (run.isAtRest && now >= notAfter + (run.view.state === 'offered' ? 0 : KEPT_SECONDS))
        this.#runs.delete(digest)
    }
  }

  /** Ends all. */
  close(): void {
    for (const run of this.#runs.values()) run.cancel()
    this.#runs.clear()
  }

  async #offer(call: RoomCall & { call: 'offer' }): Promise<OfferedRun> {
    if (this.#runs.size + this.#preparing >= MAX_RUNS) throw busy(`${MAX_RUNS} runs`)
    this.#preparing++
    try {
      const job = await prepareRun(call, this.#options.prepare)
      const ofContract = [...this.#runs.values()].filter(
        ({ job: { named }, view }) => named.digest === job.named.digest && view.state !== 'done',
      )
      if (ofContract.length >= MAX_RUNS_PER_CONTRACT)
        throw busy(`${MAX_RUNS_PER_CONTRACT} runs of one contract`)
      this.#runs.set(job.run, new RoomRun(job, this.#options.parts))
      return { offer: job.offer, shown: job.shown }
    } finally {
      this.#preparing--
    }
  }

  #now(): UnixSeconds {
    return this.#options.parts.now()
  }
}

function busy(expected: string): Error {
  return roomRoleError('ROOM_BUSY', 'as many runs as this room takes are offered or running', {
    expected: `at most ${expected}`,
  })
}
