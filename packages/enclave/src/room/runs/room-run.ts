import { fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import {
  type OutputApproval,
  requireConsents,
  RUN_TYPES,
  type RunResult,
  verifyPartyDocument,
  type Party,
} from '@sotto/protocol/contract'
import { signDsse } from '@sotto/protocol/dsse'
import { documentDigest, encodeDocument, type UnixSeconds } from '@sotto/protocol/keyrelease'
import {
  RUN_PREDICATE,
  type RunProvenance,
  type RunState,
  type RunView,
  signRunProvenance,
} from '@sotto/protocol/room'
import type { TrustedService } from '@sotto/verifier'
import type { BoardFiles } from '../board/board-files.ts'
import { roomRoleError } from '../errors.ts'
import type { KmsCalls } from '../kms/kms-calls.ts'
import { sealOutput } from '../outputs/seal-output.ts'
import { patiently } from '../patiently.ts'
import type { StepTools } from '../steps/types.ts'
import { type ComputedRun, computeRun } from './compute-run.ts'
import { failureOf } from './failure.ts'
import { obtainPermit, obtainRunKeys, type ReleasedRun, type VerifiedForRun } from './kms-run.ts'
import type { RunJob } from './run-job.ts'

/** The KMS, and the bundle that it was verified by. */
export interface VerifiedService extends Pick<TrustedService, 'importKey' | 'signingKey'> {
  bundle: Uint8Array
}

/** What a run needs of its room. */
export interface RunParts {
  kms: KmsCalls
  /** The KMS, verified now (T1). */
  service(): Promise<VerifiedService>
  board: BoardFiles
  tools: StepTools
  maxResultBytes: number
  now(): UnixSeconds
  /** One of a few places to compute in. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
}

const MAX_BOOTS = 4

/** A result that waits for owners who look at it, or for the KMS. */
interface MadeResult extends ComputedRun {
  released: ReleasedRun
  startedAt: UnixSeconds
  /** Envelope of a `RunResult`. */
  envelope: string
}

/**
 * One run from its offer to its outputs. Each call may be made again; what happened once happens once. Whatever fails,
 * nothing leaves the room, and what was charged stays charged.
 */
export class RoomRun {
  readonly job: RunJob
  readonly #parts: RunParts
  readonly #stop = new AbortController()
  readonly #approvals = new Map<string, string>()
  /** Boots of the KMS that were verified for this run, by statement key. */
  readonly #boots = new Map<string, VerifiedService>()
  #view: RunView
  #made: MadeResult | undefined
  #hasBegun = false

  constructor(job: RunJob, parts: RunParts) {
    this.job = job
    this.#parts = parts
    this.#view = { run: job.run, state: 'offered', review: [], outputs: [] }
  }

  get view(): RunView {
    if (this.#view.state === 'running' || this.#boots.size === 0) return this.#view
    return { ...this.#view, bundles: [...this.#boots.values()].map(({ bundle }) => toBase64Url(bundle)) }
  }

  get state(): RunState {
    return this.#view.state
  }

  /** Whether it was more than an offer. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** Whether the KMS has let its result go: then it only has to be sealed. */
  get isPermitted(): boolean {
    return this.#view.permit !== undefined
  }

  /**
   * Begins, once every owner consented to exactly this run.
   * @throws `CONTRACT_RUN`, `CONTRACT_OTHER`, `CONTRACT_SIGNATURE`, `CONTRACT_MALFORMED`, `ROOM_RUN_STATE`
   */
  begin(consents: string[]): void {
    const { run, plan, named, offer } = this.job
    // Junk costs no place and no call to the KMS, which judges it again.
    requireConsents(run, plan, consents, named)
    if (this.#view.state !== 'offered') return
    if (this.#parts.now() >= offer.notAfter)
      throw roomRoleError('ROOM_RUN_STATE', 'the offer of this run has expired')
    this.#set({ state: 'running' })
    this.#hasBegun = true
    void this.#run(consents)
  }

  /**
   * Takes approvals of owners who look at outputs; with the last of them the result is on its way.
   * @throws `ROOM_RUN_STATE` while some are missing; codes of contracts
   */
  approve(approvals: string[]): void {
    const made = this.#made
    const { state } = this.#view
    if (state === 'done' || (state === 'running' && made !== undefined)) return
    if (state !== 'waiting' || made === undefined)
      throw roomRoleError('ROOM_RUN_STATE', 'no result of this run waits for approval', { found: state })
    // All of them first: one that is none changes nothing.
    const said = approvals.map((envelope) => ({ envelope, ...this.#readApproval(envelope, made) }))
    const refused = said.find(({ document }) => document.verdict === 'refuse')
    if (refused !== undefined) {
      const { party, document } = refused
      this.#fail(roomRoleError('ROOM_ENDED', `${party.name} does not let ${document.output} out`))
      return
    }
    for (const { envelope, document, party } of said)
      this.#approvals.set(`${party.name} ${document.output}`, envelope)
    const missing = reviewersOf(this.job).flatMap(({ name }) =>
      made.outputs.flatMap(({ output }) =>
        this.#approvals.has(`${name} ${output}`) ? [] : [`${output} of ${name}`],
      ),
    )
    if (missing.length > 0)
      throw roomRoleError('ROOM_RUN_STATE', 'the result waits for further approvals', {
        expected: missing.join(', '),
      })
    this.#set({ state: 'running' })
    void this.#releaseApproved(made)
  }

  #readApproval(envelope: string, made: MadeResult): { document: OutputApproval; party: Party } {
    const { document, party } = verifyPartyDocument('approval', envelope, this.job.named)
    this.#requireOwn(document, made)
    if (reviewersOf(this.job).some(({ name }) => name === party.name)) return { document, party }
    throw roomRoleError('ROOM_RUN_STATE', 'this party looks at no output of this run', {
      expected: reviewersOf(this.job)
        .map(({ name }) => name)
        .join(', '),
      found: party.name,
    })
  }

  async #releaseApproved(made: MadeResult): Promise<void> {
    try {
      await this.#release(made)
    } catch (error) {
      // A KMS or board that does not answer now may do so later, with the same approvals.
      if ((error as { action?: string }).action === 'retry') this.#set({ state: 'waiting' })
      else this.#fail(error)
    }
  }

  /** Ends it, whatever it does. */
  cancel(): void {
    const { state } = this.#view
    if (state === 'done' || state === 'failed' || state === 'cancelled') return
    this.#set({ state: 'cancelled' })
    this.#end('somebody ended the run')
  }

  /** Ends it because its offer did. */
  expire(): void {
    this.#fail(roomRoleError('ROOM_EXPIRED', 'the time of its offer is over'))
  }

  /** The KMS, verified now. Of more boots than a view shows, the latest count. */
  async #service(): Promise<VerifiedForRun> {
    const verified = await this.#parts.service()
    const boot = toHex(verified.signingKey)
    for (const oldest of this.#boots.keys()) {
      if (this.#boots.size < MAX_BOOTS || this.#boots.has(boot)) break
      this.#boots.delete(oldest)
    }
    this.#boots.set(boot, verified)
    const signingKeys = [...this.#boots.values()].map(({ signingKey }) => signingKey)
    return { importKey: verified.importKey, signingKeys }
  }

  async #run(consents: string[]): Promise<void> {
    try {
      await this.#parts.inTurn(() => this.#compute(consents))
    } catch (error) {
      this.#fail(error)
    }
  }

  async #compute(consents: string[]): Promise<void> {
    const { job } = this
    const { kms, now, board, tools, maxResultBytes } = this.#parts
    const { signal } = this.#stop
    signal.throwIfAborted()
    const released = await patiently(signal, async () =>
      obtainRunKeys(job, consents, kms, await this.#service()),
    )
    const startedAt = now()
    this.#set({ receipt: released.receiptEnvelope })
    const { contentKeys, training } = released
    try {
      const computed = await computeRun(job, {
        contentKeys,
        ...(training && { secret: training }),
        tools,
        board,
        maxResultBytes,
        signal,
        onKept: (checkpoint) => this.#set({ checkpoint }),
        onProgress: (transform, done, of, lossMicros) =>
          this.#set({
            progress: { transform, done, of, ...(lossMicros !== undefined && { lossMicros }) },
          }),
      })
      if (signal.aborted) wipe(computed)
      signal.throwIfAborted()
      const made = { ...computed, released, startedAt, envelope: this.#signResult(computed) }
      this.#made = made
      this.#set({ result: made.envelope })
      const reviewers = reviewersOf(job)
      if (reviewers.length === 0) return await this.#release(made)
      // Who looks gets it in clear: what was withdrawn, ended or taken back until now counts. The same run has the same keys.
      const again = await patiently(
        signal,
        async () => obtainRunKeys(job, consents, kms, await this.#service()),
        () => this.#isOver(),
      )
      for (const key of [...again.contentKeys, again.training]) key?.fill(0)
      const review = await this.#seal(made, () => reviewers)
      signal.throwIfAborted()
      this.#set({ state: 'waiting', review })
    } finally {
      for (const key of contentKeys) key.fill(0)
    }
  }

  #signResult({ outputs }: ComputedRun): string {
    const { offer, run, signer } = this.job
    const document: RunResult = {
      format: 'sotto-run-result/1',
      genesis: offer.genesis,
      contract: offer.contract,
      run,
      outputs: outputs.map(({ output, digest, bytes }) => ({ output, digest, bytes: bytes.length })),
      at: this.#parts.now(),
    }
    return fromUtf8(signDsse(RUN_TYPES.result, encodeDocument(document), [signer]))
  }

  /** The KMS permits first: nothing is sealed to a receiver before. */
  async #release(made: MadeResult): Promise<void> {
    const { job } = this
    const { named, plan } = job
    const result = {
      result: made.envelope,
      outputs: made.outputs,
      approvals: [...this.#approvals.values()],
    }
    const permit = await patiently(
      this.#stop.signal,
      async () => obtainPermit(job, result, this.#parts.kms, await this.#service()),
      () => this.#isOver(),
    )
    this.#stop.signal.throwIfAborted()
    this.#set({ permit })
    const outputs = await this.#seal(made, (output) => {
      const { receivers } = plan.outputs.find(({ name }) => name === output)!
      return named.contract.parties.filter(({ name }) => receivers.includes(name))
    })
    const provenance = signRunProvenance(this.#provenance(made, permit), job.signer)
    this.#stop.signal.throwIfAborted()
    this.#set({ state: 'done', outputs, provenance })
    this.#forget()
  }

  /** Seals each output, and puts it on the board. @returns the envelopes */
  async #seal(made: MadeResult, receiversOf: (output: string) => readonly Party[]): Promise<string[]> {
    const { offer, run, signer, access } = this.job
    const { signal } = this.#stop
    const envelopes: string[] = []
    for (const output of made.outputs) {
      const of = { genesis: offer.genesis, contract: offer.contract, run }
      const receivers = receiversOf(output.output)
      const { envelope, digest, sealed } = await sealOutput(output, receivers, of, signer, signal)
      await this.#parts.board.write(access, digest, sealed, signal)
      envelopes.push(envelope)
    }
    return envelopes
  }

  #provenance({ outputs, steps, models, released, startedAt }: MadeResult, permit: string): RunProvenance {
    const { offer, run, statements } = this.job
    const { receipt, receiptEnvelope } = released
    return {
      _type: 'https://in-toto.io/Statement/v1',
      subject: outputs.map(({ output, digest }) => ({ name: output, digest: { sha256: digest } })),
      predicateType: RUN_PREDICATE,
      predicate: {
        genesis: offer.genesis,
        contract: offer.contract,
        run,
        inputs: statements.map(({ input, artifact, sealed, content }) => {
          const model = models.get(input)
          return { input, artifact, sealed, content, ...(model !== undefined && { model }) }
        }),
        steps,
        image: receipt.image,
        evidence: receipt.evidence,
        charges: receipt.charges,
        sequence: receipt.sequence,
        receipt: documentDigest(utf8(receiptEnvelope)),
        permit: documentDigest(utf8(permit)),
        startedAt,
        finishedAt: this.#parts.now(),
      },
    }
  }

  #isOver(): boolean {
    return this.#parts.now() >= this.job.offer.notAfter
  }

  #requireOwn({ run, output, digest }: OutputApproval, { outputs }: ComputedRun): void {
    const own = outputs.find((one) => one.output === output)
    if (run === this.job.run && own?.digest === digest) return
    throw roomRoleError('ROOM_RUN_STATE', 'the approval is about another output', {
      expected: own?.digest ?? outputs.map((one) => one.output).join(', '),
      found: digest,
    })
  }

  /** What has ended stays as it ended. */
  #set(change: Partial<RunView>): void {
    if (this.#stop.signal.aborted) return
    this.#view = { ...this.#view, ...change }
  }

  #fail(error: unknown): void {
    this.#set({ state: 'failed', failure: failureOf(error) })
    this.#end('the run has ended')
  }

  #end(message: string): void {
    this.#stop.abort(roomRoleError('ROOM_ENDED', message))
    this.#forget()
  }

  /** What was computed is overwritten: it has left, or never will. */
  #forget(): void {
    if (this.#made !== undefined) wipe(this.#made)
    this.#made = undefined
  }
}

function wipe({ outputs }: ComputedRun): void {
  for (const { bytes, salt } of outputs) {
    bytes.fill(0)
    salt.fill(0)
  }
}

/** Owners who look at outputs before they leave, as parties of the contract. */
function reviewersOf({ plan, named }: RunJob): Party[] {
  return named.contract.parties.filter(({ name }) => plan.reviewers.includes(name))
}
