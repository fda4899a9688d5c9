import { utf8 } from '@sotto/protocol/bytes'
import type { SharesDocument } from '@sotto/protocol/custody'
import type { HandoverRequest, HandoverResponse } from '@sotto/protocol/handover'
import type {
  ArtifactId,
  LoggedStatement,
  ReleaseRequest,
  ReleaseResponse,
  RotationPolicy,
} from '@sotto/protocol/keyrelease'
import type { KmsState as PublishedKms } from '@sotto/protocol/evidence'
import { errorResponse } from '@sotto/serve/errors'
import type { Readiness } from '@sotto/serve/health'
import { createRateLimiter, type RateLimiter } from '@sotto/serve/limits'
import { collectForNonce } from '../attestation/index.ts'
import { pause } from '../clock/index.ts'
import { kmsError, KMS_STATUSES } from '../errors.ts'
import {
  Assembly,
  type AssemblyKms,
  type ClosedProposal,
  type GovernanceDocument,
  type JudgeContext,
  type ProposalRequest,
  type ShownProposal,
} from '../governance/index.ts'
import { admitSuccessor, giveHandover } from '../handover/index.ts'
import { Releaser, type ReleaserContext } from '../release/index.ts'
import { acknowledgeShare, sharesDocument } from '../root/index.ts'
import type { KmsState } from '../state/index.ts'
import type { SpendingSession } from '../spent/index.ts'
import type { Changes } from './changes.ts'
import { Contracts, parseContractCall } from './contracts.ts'
import { type ImportedArtifact, OwnerKeys } from './owner-keys.ts'
import type { KmsParts } from './parts.ts'
import { startChanges } from './start.ts'
import { tick } from './tick.ts'
import { currentPolicy, keysDocument, type View } from './view.ts'

/** Receipts a second that admitted workloads may cause, and how many at once. */
const RECEIPT_RATE = { capacity: 64, perSecond: 8 }
/** Receipts of handovers: a successor asks once, and again when an answer was lost. */
const HANDOVER_RATE = { capacity: 8, perSecond: 0.1 }
/** Without a verified checkpoint for this long, nothing is released (T13). */
const MAX_SILENCE_SECONDS = 7200

/** One KMS as those who ask see it. How its state changes is a question of its own: {@link Changes}. */
export class Kms {
  readonly #changes: Changes
  readonly #spending: SpendingSession
  readonly #receipts: RateLimiter
  readonly #handovers: RateLimiter
  readonly #ownerKeys: OwnerKeys
  readonly #contracts: Contracts
  readonly #releaser = new Releaser()
  readonly #assembly: Assembly
  #due = new AbortController()

  private constructor(changes: Changes, spending: SpendingSession) {
    const { monotonic } = changes.parts
    this.#changes = changes
    this.#spending = spending
    this.#receipts = createRateLimiter(RECEIPT_RATE, monotonic)
    this.#handovers = createRateLimiter(HANDOVER_RATE, monotonic)
    this.#ownerKeys = new OwnerKeys(changes, monotonic)
    this.#assembly = new Assembly(assemblyKms(changes), monotonic)
    this.#contracts = new Contracts(changes, (answer) => this.releaseBy(answer), monotonic)
  }

  /** Starts over the store of `parts`. @throws the errors of `startChanges` */
  static async start(parts: KmsParts): Promise<Kms> {
    const { changes, spending } = await startChanges(parts)
    return new Kms(changes, spending)
  }

  /** What requests see now. @throws `KMS_FENCED` and whatever else ended this instance */
  get view(): View {
    return this.#changes.view
  }

  /**
   * What `GET /v1/keys` answers everybody, with evidence made now and bound to a nonce besides: for auditors (T6). Nothing of
   * it is kept.
   * @param nonce 16 to 64 bytes, base64url
   * @throws `KMS_NO_POLICY`, `TEE_UNAVAILABLE` and whatever ended this instance
   */
  async keysFor(nonce: string): Promise<PublishedKms> {
    const { state, boot } = this.view
    const document = keysDocument({ state, boot })
    const kms = await collectForNonce(this.#changes.parts.hardware, boot.own, nonce)
    this.#changes.requireRunning()
    return { ...document, kms }
  }

  /** Which access tokens were spent. @throws whatever ended this instance */
  get spending(): SpendingSession {
    this.#changes.requireRunning()
    return this.#spending
  }

  /** How long request keys live now. */
  get rotation(): RotationPolicy {
    return this.#changes.rotation
  }

  /** Whether keys can be released right now. */
  readiness(): Readiness {
    if (this.#changes.isStopped) return { ready: false, code: 'KMS_FENCED' }
    if (this.#assembly.isHeld) return { ready: false, code: 'KMS_HELD' }
    if (this.#changes.parts.term?.isHeld() === false) return { ready: false, code: 'KMS_STANDBY' }
    if (this.#changes.isWaiting) return { ready: false, code: 'KMS_WAITING_FOR_CUSTODIANS' }
    if (this.#changes.shown.state.policy === undefined) return { ready: false, code: 'KMS_NO_POLICY' }
    return this.#isStale() ? { ready: false, code: 'KMS_STALE' } : { ready: true }
  }

  /**
   * Releases the current keys, wrapped, to an admitted workload; its receipt is in the log first.
   * @throws the errors of `Releaser.release`; `KMS_NO_POLICY`, `KMS_STALE`, `KMS_HELD`
   */
  release(request: ReleaseRequest): Promise<ReleaseResponse> {
    return this.releaseBy(async (context) => {
      const response = await this.#releaser.release(request, context)
      requireUnchanged(request.artifacts, context.state, this.#changes.keeper.current)
      return response
    })
  }

  /**
   * Runs a release under everything that each rests on: a policy, fresh checkpoints, no hold, and still being the one
   * that serves when it ends. What `answer` gives leaves only then.
   * @throws what `answer` throws; `KMS_NO_POLICY`, `KMS_STALE`, `KMS_HELD`, `KMS_STANDBY`
   */
  async releaseBy<T>(answer: (context: ReleaserContext) => Promise<T>): Promise<T> {
    const { state, boot } = this.view
    const policy = currentPolicy(state)
    if (this.#isStale()) throw kmsError('KMS_STALE', 'this KMS has seen no fresh checkpoint for too long')
    this.#assembly.requireNoHold()
    const { clock, term } = this.#changes.parts
    let isLogged = false
    const response = await answer({
      state,
      policy,
      log: this.#changes.log,
      now: clock.now(),
      statementKey: boot.statementKey,
      observe(time) {
        clock.observe(time)
        isLogged = true
      },
      beforeReceipt: () => {
        this.#assembly.requireNoHold()
        this.#receipts.take()
      },
    })
    // Another replica may have taken over since the request was judged, and know more than this one.
    await term?.confirm()
    // Whoever is in the log before the receipt is in what was seen of it since. An answer given again has no receipt
    // of its own: then the log is asked.
    await this.#changes.run(() =>
      this.#changes.requireNewestBoot(isLogged ? this.#changes.log.lastSeen : undefined),
    )
    // A member may have said stop meanwhile.
    this.#assembly.requireNoHold()
    return response
  }

  /**
   * Hands root secret and live request keys to the KMS that takes over, once it has proven what it is; the receipt is
   * in the log first. Both may run until the other one's boot is in the log: then this one ends.
   * @throws those of `admitSuccessor`, `giveHandover` and {@link releaseBy}
   */
  handOver(request: HandoverRequest): Promise<HandoverResponse> {
    return this.releaseBy(async (context) => {
      const successor = await admitSuccessor(request, this.#changes.shown.boot.own, context)
      return this.#changes.run(() => {
        // What is handed over is what is durable: no change runs meanwhile.
        const state = this.#changes.keeper.current
        if (state.policy !== context.policy.digest)
          throw kmsError('KMS_NOT_READY', 'members accepted another policy meanwhile')
        const beforeReceipt = (): void => {
          this.#assembly.requireNoHold()
          this.#handovers.take()
        }
        const { statementKey } = this.view.boot
        return giveHandover(request, successor, this.#changes.root, {
          ...context,
          state,
          statementKey,
          beforeReceipt,
        })
      })
    })
  }

  /** What this KMS takes the time to be, Unix seconds. */
  now(): number {
    return this.#changes.parts.clock.now()
  }

  /** Logs a statement that changes no state, signed with this boot's key. @throws those of the log client; `KMS_STANDBY` */
  async record(payloadType: string, document: object): Promise<LoggedStatement> {
    const envelope = this.view.boot.statementKey.sign(payloadType, document)
    const { index, checkpoint } = await this.#changes.log.append(utf8(envelope))
    this.#changes.parts.clock.observe(checkpoint.time)
    return { envelope, index }
  }

  /**
   * Opens a proposal of a member to votes. The same one again changes nothing.
   * @throws `KMS_NOT_AUTHORIZED` and those of `admitProposal`; of log client and store, after which it can be sent again
   */
  propose(request: ProposalRequest): Promise<GovernanceDocument> {
    return this.#assembly.propose(request)
  }

  /**
   * Takes a member's vote. When it decides, what was proposed has come true when this resolves.
   * @throws `KMS_NOT_AUTHORIZED` and those of `admitBallot`; of log client and store, after which it can be sent again
   */
  async vote(ballot: string): Promise<ShownProposal | ClosedProposal> {
    const shown = await this.#assembly.vote(ballot)
    this.#wakeForRoot()
    return shown
  }

  /**
   * Stops the release of keys, at the word of one member: at once, before anything is stored or logged.
   * @throws `KMS_NOT_AUTHORIZED` and those of `admitHold`; of the store, when it is in force in this process only
   */
  hold(token: string): Promise<GovernanceDocument> {
    return this.#assembly.hold(token)
  }

  /**
   * Takes a custodian's word that its share opens.
   * @throws the errors of `acknowledgeShare`
   */
  acknowledgeShare(body: Uint8Array): Promise<SharesDocument> {
    const changes = this.#changes
    return changes.run(async () => {
      await acknowledgeShare(body, changes.custodyTools())
      changes.show()
      this.#wakeForRoot()
      return sharesDocument(changes.keeper.current)
    })
  }

  /** Takes an owner's content key. @throws as `OwnerKeys.importArtifact` */
  importArtifact(id: ArtifactId, body: Uint8Array): Promise<ImportedArtifact> {
    return this.#ownerKeys.importArtifact(id, body)
  }

  /** Destroys a content key at its owner's word. @throws as `OwnerKeys.removeArtifact` */
  removeArtifact(id: ArtifactId, body: Uint8Array): Promise<{ artifact: ArtifactId; removed: true }> {
    return this.#ownerKeys.removeArtifact(id, body)
  }

  /** Destroys the content keys of a model at its owner's word. @throws as `OwnerKeys.removeModel` */
  removeModel(body: Uint8Array): Promise<{ receipt: string }> {
    return this.#ownerKeys.removeModel(body)
  }

  /**
   * Answers a sealed call about a contract: only who sealed it reads the answer, an error too.
   * @param onRefused told what a call is refused with
   * @throws the codes of `OhttpErrorCode` where it was not sealed to this start's key
   */
  async answerCall(bytes: Uint8Array, onRefused?: (error: unknown) => void): Promise<Uint8Array> {
    const { call, answer } = this.view.boot.importer.openCall(bytes)
    try {
      return answer(utf8(JSON.stringify(await this.#contracts.answer(parseContractCall(call)))))
    } catch (error) {
      onRefused?.(error)
      return answer(utf8(await errorResponse(error, KMS_STATUSES).text()))
    }
  }

  /** What time asks for, see `tick`. Call it every few seconds, and when {@link untilDue} says so. */
  tick(): Promise<void> {
    return tick(this.#changes, this.#assembly, this.#spending)
  }

  /** Waits for the next {@link tick}: so long, or until members or custodians leave it shares or a root key to bring on. */
  async untilDue(ms: number, signal: AbortSignal): Promise<void> {
    await pause(ms, AbortSignal.any([signal, this.#due.signal]))
    this.#due = new AbortController()
  }

  /** Ends this instance: every later call fails with `reason`. */
  stop(reason: Error): void {
    this.#changes.stop(reason)
  }

  #wakeForRoot(): void {
    const { sharing, rotation } = this.#changes.keeper.current
    if (sharing !== undefined || rotation !== undefined) this.#due.abort()
  }

  #isStale(): boolean {
    return this.#changes.parts.clock.sinceObserved() > MAX_SILENCE_SECONDS
  }
}

/** What an owner replaced or removed while a release was under way does not leave with it. @throws `KMS_NOT_READY` */
function requireUnchanged(ids: readonly ArtifactId[], judged: KmsState, now: KmsState): void {
  if (ids.every((id) => judged.artifacts.get(id) === now.artifacts.get(id))) return
  throw kmsError('KMS_NOT_READY', 'an owner changed what happens to a sealed artifact meanwhile')
}

/** The KMS as its members need it. */
function assemblyKms(changes: Changes): AssemblyKms {
  return {
    seen: () => changes.view.state,
    current: () => changes.keeper.current,
    change: (work) => changes.run(work),
    apply: (transition) => changes.apply(transition),
    flush: () => changes.flush(),
    tools: () => changes.executionTools(),
    judgeContext: () => judgeContext(changes),
    requireReady: () => {
      if (changes.isWaiting)
        throw kmsError('KMS_WAITING_FOR_CUSTODIANS', 'too few custodians have acknowledged their shares yet')
    },
  }
}

function judgeContext({ keeper, parts: { clock, config }, log }: Changes): JudgeContext {
  return { state: keeper.current, softwareRoots: config.softwareRoots, log, now: clock.now() }
}
