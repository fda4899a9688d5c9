import { fromHex, utf8 } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import type { KmsState as PublishedKms } from '@sotto/protocol/evidence'
import type { ArtifactId, Digest, ReleaseRequest, ReleaseResponse } from '@sotto/protocol/keyrelease'
import type { Readiness } from '@sotto/serve/health'
import { createConcurrencyLimiter, createRateLimiter, type RateLimiter } from '@sotto/serve/limits'
import type { LogClient } from '@sotto/serve/log-client'
import {
  destroyExpired,
  judgeRotation,
  MAX_KEYS_PER_SET,
  planEpoch,
  publishPending,
} from '../epochs/index.ts'
import { kmsError } from '../errors.ts'
import { genesisOf } from '../identity/index.ts'
import { countFreeKeyIds, isRotationDue } from '../keys/index.ts'
import { judgeProposal, type PolicyProposal, withPolicy } from '../policies/index.ts'
import { Releaser } from '../release/index.ts'
import { type KmsState, StateKeeper } from '../state/index.ts'
import { CERTIFICATE_SECONDS } from '../statements/index.ts'
import { establishIdentity, renewEvidence, startBoot } from './boot.ts'
import type { KmsParts } from './parts.ts'
import { type Boot, currentPolicy, keysDocument, type View } from './view.ts'

/** Changes in line behind the one in progress. */
const MAX_WAITING_CHANGES = 32
/** Receipts a second that admitted workloads may cause, and how many at once. */
const RECEIPT_RATE = { capacity: 64, perSecond: 8 }
/** Rotations on request stop early enough that scheduled ones still find free identifiers. */
const RESERVED_ROTATIONS = 4
/** Without a verified checkpoint for this long, nothing is released (T13). */
const MAX_SILENCE_SECONDS = 7200

/**
 * One KMS. Changes run one at a time, each durable before the next; requests read a view that is
 * replaced as a whole.
 */
export class Kms {
  readonly #parts: KmsParts
  readonly #keeper: StateKeeper
  readonly #log: LogClient
  readonly #changes = createConcurrencyLimiter({ running: 1, waiting: MAX_WAITING_CHANGES })
  readonly #receipts: RateLimiter
  readonly #releaser = new Releaser()
  /** Signs what comes next; requests see it once an epoch it signed is logged. */
  #boot: Boot
  #view: View
  #stopped: Error | undefined

  private constructor(parts: KmsParts, keeper: StateKeeper, log: LogClient, boot: Boot) {
    this.#parts = parts
    this.#receipts = createRateLimiter(RECEIPT_RATE, parts.monotonic)
    this.#keeper = keeper
    this.#log = log
    this.#boot = boot
    this.#view = { state: keeper.current, boot }
  }

  /**
   * Opens the store, makes or checks the identity, logs this boot's certificate and publishes an
   * epoch signed with it. Safe to call again after an error that says `retry`.
   * @throws the errors of store, log client and hardware; `KMS_GENESIS_MISMATCH`,
   * `KMS_STATE_ROLLED_BACK`, `KMS_FENCED`
   */
  static async start(parts: KmsParts): Promise<Kms> {
    const keeper = await StateKeeper.open(parts.store)
    const { seen } = keeper.current
    const log = parts.openLog(seen === undefined ? undefined : { size: seen.size, root: fromHex(seen.root) })
    await establishIdentity(keeper, log, parts)
    const kms = new Kms(parts, keeper, log, await startBoot(keeper, log, parts))
    await kms.#flush()
    await kms.#advance(false)
    return kms
  }

  /** What requests see now. @throws `KMS_FENCED` and whatever else ended this instance */
  get view(): View {
    if (this.#stopped !== undefined) throw this.#stopped
    return this.#view
  }

  /** Whether keys can be released right now. */
  readiness(): Readiness {
    if (this.#stopped !== undefined) return { ready: false, code: 'KMS_FENCED' }
    if (this.#view.state.epoch === undefined) return { ready: false, code: 'KMS_NO_POLICY' }
    return this.#isStale() ? { ready: false, code: 'KMS_STALE' } : { ready: true }
  }

  /**
   * Releases the current keys, wrapped, to an admitted workload; its receipt is in the log first.
   * @throws the errors of `Releaser.release`; `KMS_NO_POLICY`, `KMS_STALE`
   */
  async release(request: ReleaseRequest): Promise<ReleaseResponse> {
    const { state, boot } = this.view
    const policy = currentPolicy(state)
    if (this.#isStale()) throw kmsError('KMS_STALE', 'this KMS has seen no fresh checkpoint for too long')
    const { clock } = this.#parts
    return this.#releaser.release(request, {
      state,
      policy,
      log: this.#log,
      now: clock.now(),
      statementKey: boot.statementKey,
      observe: (time) => clock.observe(time),
      beforeReceipt: () => this.#receipts.take(),
    })
  }

  /**
   * Judges a policy proposal and, when it is accepted, publishes new keys under it.
   * @throws the errors of `judgeProposal`; of log client and store, after which it can be sent again
   */
  acceptPolicy(proposal: PolicyProposal): Promise<PublishedKms> {
    return this.#change(async () => {
      const state = this.#keeper.current
      const { clock, config } = this.#parts
      const context = {
        state,
        genesis: genesisOf(state.identity!),
        softwareRoots: config.softwareRoots,
        log: this.#log,
        now: clock.now(),
      }
      // Judged before anything is tried again: a stranger must not be able to cause work.
      const judged = await judgeProposal(proposal, context)
      await this.#flush()
      if (judged.digest !== this.#keeper.current.policy) {
        const { index } = await this.#log.append(utf8(proposal.policy))
        const policy = { ...judged, statement: { envelope: proposal.policy, index } }
        await this.#publish((before) => withPolicy(before, policy), judged.digest, true)
      }
      return keysDocument(this.#view)
    })
  }

  /**
   * Publishes new request keys now, at the signed request of a member.
   * @throws the errors of `judgeRotation`; `KMS_NO_POLICY`, `KMS_KEY_IDS_EXHAUSTED`
   */
  rotate(body: Uint8Array): Promise<PublishedKms> {
    return this.#change(async () => {
      const identity = this.#keeper.current.identity!
      const judge = (): void =>
        judgeRotation(body, genesisOf(identity), identity.digest, this.#keeper.current.epoch?.number ?? 0)
      judge()
      await this.#flush()
      // What was left to publish may have been the epoch the member asked to follow.
      judge()
      const state = this.#keeper.current
      const policy = currentPolicy(state)
      const reserve = RESERVED_ROTATIONS * this.#parts.config.suites.length
      const free = countFreeKeyIds(state.keyIds, this.#parts.clock.now())
      if (Math.min(free, MAX_KEYS_PER_SET - state.keys.size) <= reserve) {
        throw kmsError('KMS_KEY_IDS_EXHAUSTED', 'what room is left is kept for scheduled rotations')
      }
      await this.#publish((before) => before, policy.digest, true)
      return keysDocument(this.#view)
    })
  }

  /** Takes an owner's content key. @throws the errors of `ArtifactImporter.open` and of the store */
  importArtifact(
    id: ArtifactId,
    body: Uint8Array,
  ): Promise<{ artifact: ArtifactId; owner: string; policy: Digest }> {
    return this.#change(async () => {
      const artifact = this.#view.boot.importer.open(id, body, this.#keeper.current)
      await this.#apply((state) => ({ ...state, artifacts: new Map(state.artifacts).set(id, artifact) }))
      return { artifact: id, owner: artifact.owner, policy: artifact.policy }
    })
  }

  /**
   * What time asks for: destroys expired keys, finishes what the log refused before, rotates,
   * renews evidence and certificate. Call it every few seconds; it does nothing when nothing is due.
   */
  tick(): Promise<void> {
    return this.#change(async () => {
      const { clock, config } = this.#parts
      await this.#apply((state) => destroyExpired(state, clock.now()))
      await this.#flush()
      if (this.#boot.statementKey.notAfter - CERTIFICATE_SECONDS / 2 <= clock.now()) {
        this.#boot = await startBoot(this.#keeper, this.#log, this.#parts)
      } else if (clock.now() - this.#boot.collectedAt >= config.evidenceRefreshSeconds) {
        this.#boot = await renewEvidence(this.#boot, this.#keeper, this.#log, this.#parts)
      }
      if (this.#isEpochDue()) await this.#advance(false)
      this.#show()
    })
  }

  /** Ends this instance: every later call fails with `reason`. */
  stop(reason: Error): void {
    this.#stopped ??= reason
  }

  async #change<T>(work: () => Promise<T>): Promise<T> {
    return this.#changes.run(async () => {
      if (this.#stopped !== undefined) throw this.#stopped
      try {
        await this.#keeper.settle()
        // A change that was reported failed may have happened: requests see the truth from here on.
        this.#show()
        return await work()
      } catch (error) {
        if (hasCode(error, 'KMS_FENCED') || hasCode(error, 'KMS_STATE_ROLLED_BACK')) this.stop(error)
        throw error
      }
    })
  }

  async #apply(change: (state: KmsState) => KmsState): Promise<void> {
    await this.#keeper.transition(change)
    this.#show()
  }

  /** Lets requests see the durable state, with the boot that signed its epoch. */
  #show(): void {
    const state = this.#keeper.current
    const isSigner = state.epoch === undefined || state.epoch.signer === this.#boot.statementKey.publicKey
    this.#view = { state, boot: isSigner ? this.#boot : this.#view.boot }
  }

  /** Whether the keys are about to end, or the current set was signed with an earlier boot's key. */
  #isEpochDue(): boolean {
    const { epoch, keys, policy } = this.#keeper.current
    if (policy === undefined) return false
    if (epoch?.signer !== this.#boot.statementKey.publicKey) return true
    return isRotationDue([...keys.values()], this.#parts.clock.now(), this.#parts.config.timing)
  }

  /** A new epoch under the current policy, if there is one. */
  async #advance(forceNewKeys: boolean): Promise<void> {
    const { policy } = this.#keeper.current
    if (policy !== undefined) await this.#publish((state) => state, policy, forceNewKeys)
  }

  async #publish(
    before: (state: KmsState) => KmsState,
    policy: Digest,
    forceNewKeys: boolean,
  ): Promise<void> {
    const { clock, config } = this.#parts
    const { statementKey } = this.#boot
    const plan = {
      policy,
      forceNewKeys,
      now: clock.now(),
      timing: config.timing,
      suites: config.suites,
      statementKey,
    }
    await this.#keeper.transition((state) => planEpoch(before(state), plan))
    await this.#flush()
  }

  /** Gives the pending epoch to the log and makes it current; requests see it only then (T3). */
  async #flush(): Promise<void> {
    const { pending } = this.#keeper.current
    if (pending === undefined) return
    const { index, checkpoint } = await this.#log.append(utf8(pending.epoch.statement.envelope))
    this.#parts.clock.observe(checkpoint.time)
    await this.#apply((state) => publishPending(state, index))
  }

  #isStale(): boolean {
    return this.#parts.clock.sinceObserved() > MAX_SILENCE_SECONDS
  }
}
