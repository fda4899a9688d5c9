import { utf8 } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import type { RotationPolicy } from '@sotto/protocol/keyrelease'
import { createConcurrencyLimiter } from '@sotto/serve/limits'
import type { LogClient, Tree } from '@sotto/serve/log-client'
import { destroyExpired, planEpoch } from '../epochs/index.ts'
import { kmsError } from '../errors.ts'
import { type ExecutionTools, inForceOf, nextWrite } from '../governance/index.ts'
import { isRotationDue } from '../keys/index.ts'
import {
  advanceRotation,
  advanceShares,
  type CustodyTools,
  followRoot,
  isWaitingForCustodians,
  type RootHolder,
} from '../root/index.ts'
import { type KmsState, pendingAnchor, type StateKeeper } from '../state/index.ts'
import { CERTIFICATE_SECONDS } from '../statements/index.ts'
import { logAnchor } from './anchor.ts'
import { renewEvidence, requireNewestBoot, startBoot } from './boot.ts'
import type { KmsParts } from './parts.ts'
import type { Boot, View } from './view.ts'

/** Changes in line behind the one in progress. */
const MAX_WAITING_CHANGES = 32

/**
 * How the state of one KMS changes: one change at a time, each durable before the next, and what requests see is
 * replaced as a whole. What is neither {@link run} nor a getter is called only inside a change, or before the first.
 */
export class Changes {
  readonly parts: KmsParts
  readonly keeper: StateKeeper
  readonly log: LogClient
  readonly root: RootHolder
  readonly #line = createConcurrencyLimiter({ running: 1, waiting: MAX_WAITING_CHANGES })
  /** Signs what comes next; requests see it once an epoch it signed is logged. */
  #boot: Boot
  /** The log may hold a certificate that nobody here knows of: another one comes before anything else. */
  #isRebooting = false
  /** Entries of the log below this index hold no boot after ours, as far as this process has looked. */
  #searched = 0
  #shown: View
  #stopped: Error | undefined

  constructor(parts: KmsParts, keeper: StateKeeper, log: LogClient, root: RootHolder, boot: Boot) {
    this.parts = parts
    this.keeper = keeper
    this.log = log
    this.root = root
    this.#boot = boot
    this.#shown = { state: keeper.current, boot }
  }

  /** What requests see. @throws `KMS_FENCED` and whatever else ended this instance */
  get view(): View {
    this.requireRunning()
    if (this.parts.term?.isHeld() === false) throw kmsError('KMS_STANDBY', 'another replica may serve by now')
    return this.#shown
  }

  /** What requests saw last, whether or not this instance has ended. */
  get shown(): View {
    return this.#shown
  }

  get boot(): Boot {
    return this.#boot
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined
  }

  /** How long request keys live now. */
  get rotation(): RotationPolicy {
    return inForceOf(this.keeper.current).rotation
  }

  /** @throws whatever ended this instance */
  requireRunning(): void {
    if (this.#stopped !== undefined) throw this.#stopped
  }

  /** Ends this instance: every later call fails with `reason`. */
  stop(reason: Error): void {
    this.#stopped ??= reason
  }

  /** Runs a change when those before it are done. @throws what it throws, and whatever ended this instance */
  async run<T>(work: () => Promise<T>): Promise<T> {
    return this.#line.run(async () => {
      this.requireRunning()
      try {
        await this.keeper.settle()
        await followRoot(this)
        // A change that was reported failed may have happened: requests see the truth from here on.
        this.show()
        if (this.#isRebooting || isRootNewer(this.keeper.current, this.#boot)) await this.#reboot()
        const result = await work()
        // Nothing is acknowledged before the log would miss it.
        await this.anchor()
        return result
      } catch (error) {
        if (hasCode(error, 'KMS_FENCED') || hasCode(error, 'KMS_STATE_ROLLED_BACK')) this.stop(error)
        throw error
      }
    })
  }

  /** Makes one transition durable. */
  async apply(change: (state: KmsState) => KmsState): Promise<void> {
    await this.keeper.transition(change)
    this.show()
  }

  /** Puts what changed, and the log does not show by itself, into the log; requests see it only then (T11). */
  async anchor(): Promise<void> {
    await logAnchor(this.keeper, this.log, this.#boot, this.parts)
    this.show()
  }

  /** Lets requests see the durable state, with the boot that signed its epoch. */
  show(): void {
    const state = this.keeper.current
    if (pendingAnchor(state) !== undefined) {
      // Not yet; but what must not exist any more goes all the same.
      this.#shown = { ...this.#shown, state: destroyExpired(this.#shown.state, this.parts.clock.now()) }
      return
    }
    const isSigner = state.epoch === undefined || state.epoch.signer === this.#boot.statementKey.publicKey
    this.#shown = { state, boot: isSigner ? this.#boot : this.#shown.boot }
  }

  /** Whether the keys are about to end, or the current set was signed with an earlier boot's key. */
  get isEpochDue(): boolean {
    const { epoch, keys, policy } = this.keeper.current
    if (policy === undefined) return false
    if (epoch?.signer !== this.#boot.statementKey.publicKey) return true
    return isRotationDue([...keys.values()], this.parts.clock.now(), this.rotation)
  }

  /** A new epoch under the current policy, if there is one. */
  async advance(forceNewKeys: boolean): Promise<void> {
    const { policy } = this.keeper.current
    if (policy === undefined) return
    await this.keeper.transition((state) =>
      planEpoch(state, { ...this.executionTools(), policy, forceNewKeys }),
    )
    await this.flush()
  }

  /**
   * Gives the log what was written down for it, and follows: an epoch becomes current, and requests see it
   * only then (T3); a ballot counts; a decision is carried out.
   */
  async flush(): Promise<void> {
    for (;;) {
      const next = nextWrite(this.keeper.current)
      if (next === undefined) return
      const { index, checkpoint } = await this.log.append(utf8(next.envelope))
      this.parts.clock.observe(checkpoint.time)
      await this.apply((state) => next.logged(state, index, this.executionTools()))
    }
  }

  /** Root keys and shares that are due; a new root key certifies a new statement key at once. */
  async advanceRoot(): Promise<void> {
    if (await advanceRotation(this.custodyTools())) await this.#reboot()
    await advanceShares(this.custodyTools())
  }

  /** Another statement key before this one ends; else newer evidence, when it is time. */
  async renewBoot(): Promise<void> {
    const { clock, config } = this.parts
    if (this.#boot.statementKey.notAfter - CERTIFICATE_SECONDS / 2 <= clock.now()) {
      await this.#reboot()
    } else if (clock.now() - this.#boot.collectedAt >= config.evidenceRefreshSeconds) {
      this.#boot = await renewEvidence(this.#boot, this.keeper, this.log, this.parts)
    }
  }

  /**
   * Makes sure that no boot after this one is in the log: by a handover, or over a copied store, another KMS may have
   * taken over. Reads what the log got since the last look, and changes nothing.
   * @param tree verified since; absent: the log is asked for its newest
   * @throws `KMS_FENCED`, those of the log client
   */
  async requireNewestBoot(tree?: Tree): Promise<void> {
    const until = tree ?? (await this.log.latest())
    await requireNewestBoot(this.keeper.current, this.log, this.#boot, until, this.#searched)
    this.#searched = Math.max(this.#searched, until.size)
  }

  custodyTools(): CustodyTools {
    const { statementKey, certificate } = this.#boot
    const signer = { statementKey, certificate }
    return { keeper: this.keeper, log: this.log, clock: this.parts.clock, root: this.root, signer }
  }

  executionTools(): ExecutionTools {
    const { clock, config } = this.parts
    const { canRotate: canRotateRoot } = this.root.source
    return { now: clock.now(), suites: config.suites, statementKey: this.#boot.statementKey, canRotateRoot }
  }

  /** Custodians have not said yet that they can bring the root secret back: nothing may rest on it (T15). */
  get isWaiting(): boolean {
    return isWaitingForCustodians(this.keeper.current, this.root.source.sharing)
  }

  /** A new statement key, certified by the root key in force. */
  async #reboot(): Promise<void> {
    this.#isRebooting = true
    this.#boot = await startBoot(this.keeper, this.log, this.parts, this.root)
    this.#isRebooting = false
  }
}

/** Whether the root key came into force after this boot was certified. */
function isRootNewer({ roots = [] }: KmsState, boot: Boot): boolean {
  return roots.length > boot.roots.length
}
