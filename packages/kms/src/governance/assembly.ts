import { SottoError } from '@sotto/protocol/errors'
import type { MemberKey } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import { verifyStatement } from './admit.ts'
import { admitHold, withHold } from './hold.ts'
import { createMemberRates, type MemberRates } from './member-rates.ts'
import { admitProposal, findOpen, type ProposalRequest } from './propose.ts'
import { type GovernanceDocument, governanceDocument, proposalDocument, type ShownProposal } from './show.ts'
import { closeEnded } from './tally.ts'
import type { ExecutionTools, JudgeContext } from './tools.ts'
import type { ClosedProposal, StandingHold } from './types.ts'
import { admitBallot, hasEndedWith } from './vote.ts'

/** The KMS as its members need it. */
export interface AssemblyKms {
  /** What requests see. @throws when this instance has ended */
  seen(): KmsState
  /** The last durable state. */
  current(): KmsState
  /** Runs a change when those before it are done. */
  change<T>(work: () => Promise<T>): Promise<T>
  /** Makes one transition durable. Only inside a change. */
  apply(transition: (state: KmsState) => KmsState): Promise<void>
  /** Gives the log what was written down for it, and follows. Only inside a change. */
  flush(): Promise<void>
  tools(): ExecutionTools
  judgeContext(): JudgeContext
  /** Refuses while nothing may be proposed yet. */
  requireReady(): void
}

/** Takes what members sign: in the order in which it comes, but for holds, which are in force at once. */
export class Assembly {
  readonly #kms: AssemblyKms
  readonly #rates: MemberRates
  /** Holds that are not durable yet, and in force all the same. */
  readonly #urgent = new Map<MemberKey, { hold: StandingHold; token: string }>()

  /** @param monotonic milliseconds for rate limits, never going back */
  constructor(kms: AssemblyKms, monotonic?: () => number) {
    this.#kms = kms
    this.#rates = createMemberRates(monotonic)
  }

  /** See `Kms.propose`. */
  propose({ proposal, releases }: ProposalRequest): Promise<GovernanceDocument> {
    const kms = this.#kms
    // Before it waits in line: a stranger must not be able to cause work.
    verifyStatement(proposal, 'proposal', kms.seen())
    return kms.change(async () => {
      kms.requireReady()
      await kms.apply((state) => closeEnded(state, kms.tools().now))
      // Judged before anything is tried again, and again by the members in force now.
      const statement = verifyStatement(proposal, 'proposal', kms.current())
      if (findOpen(kms.current(), statement.id) === undefined) {
        const opened = await admitProposal(statement, releases, kms.judgeContext())
        await kms.flush()
        this.#rates.take(statement.member.key)
        await kms.apply((state) => opened(state, kms.tools().statementKey.sign))
      }
      await kms.flush()
      return governanceDocument(kms.current())
    })
  }

  /** See `Kms.vote`. */
  vote(ballot: string): Promise<ShownProposal | ClosedProposal> {
    const kms = this.#kms
    verifyStatement(ballot, 'ballot', kms.seen())
    return kms.change(async () => {
      // What was written down before comes first: it may close the proposal, or change who is a member.
      await kms.flush()
      await kms.apply((state) => closeEnded(state, kms.tools().now))
      const statement = verifyStatement(ballot, 'ballot', kms.current())
      if (!hasEndedWith(kms.current(), statement)) {
        const cast = admitBallot(statement, kms.current(), kms.tools())
        if (cast !== undefined) {
          this.#rates.take(statement.member.key)
          await kms.apply(cast)
          await kms.flush()
        }
      }
      return proposalDocument(kms.current(), statement.document.proposal)
    })
  }

  /** See `Kms.hold`. */
  async hold(token: string): Promise<GovernanceDocument> {
    const kms = this.#kms
    const state = kms.seen()
    const { hold, stands } = admitHold(verifyStatement(token, 'hold', state), state, kms.tools().now)
    if (!stands) this.#urgent.set(hold.member.key, { hold, token })
    return kms.change(async () => {
      await this.keepHolds()
      // It is in force whether or not the log can be told now.
      await kms.flush().catch((error: unknown) => {
        if (!(error instanceof SottoError) || error.action !== 'retry') throw error
      })
      return governanceDocument(kms.current())
    })
  }

  /** Makes holds durable that so far only this process keeps. Only inside a change. */
  async keepHolds(): Promise<void> {
    const urgent = [...this.#urgent.values()]
    if (urgent.length === 0) return
    const { sign } = this.#kms.tools().statementKey
    await this.#kms.apply((state) =>
      urgent.reduce((next, { hold, token }) => withHold(next, hold, token, sign), state),
    )
    for (const { hold } of urgent) this.#urgent.delete(hold.member.key)
  }

  /** Whether a member stopped the release of keys. */
  get isHeld(): boolean {
    return this.#urgent.size > 0 || this.#kms.current().governance.holds.length > 0
  }

  /** @throws `KMS_HELD` */
  requireNoHold(): void {
    if (this.isHeld) throw kmsError('KMS_HELD', 'a member stopped the release of keys')
  }
}
