import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  type AcceptCall,
  type ContractCall,
  contractCallDecoder,
  type ContractEvent,
  type ContractView,
  isConsented,
  MAX_CALL_BYTES,
  requireInForce,
  type ReleaseCall,
  RUN_TYPES,
  type RunAnswer,
  verifyOffer,
  type RunCall,
  type ShowCall,
  type SignCall,
} from '@sotto/protocol/contract'
import { jcsError, parseStrictJson } from '@sotto/protocol/jcs'
import { type Digest, documentDigest } from '@sotto/protocol/keyrelease'
import {
  admitAcceptance,
  type Admitted,
  admitSigned,
  answerInquiry,
  beginRun,
  type HeldContract,
  judgeRun,
  permitResult,
  recordOf,
  requireData,
  viewOf,
  wrapRunKeys,
} from '../contracts/index.ts'
import { kmsError } from '../errors.ts'
import { createMemberRates, type MemberRates } from '../governance/index.ts'
import type { ReleaserContext } from '../release/index.ts'
import type { KmsState } from '../state/index.ts'
import type { Changes } from './changes.ts'

/** What the parties of one contract may change together: each change is written to disk and logged. */
const CONTRACT_RATE = { capacity: 64, perSecond: 2 }

type Answer = ContractView | RunAnswer | { permit: string }
type ReleaseBy = <T>(answer: (context: ReleaserContext) => Promise<T>) => Promise<T>

/** Contracts of clean rooms: what parties signed, what runs cost, and whose keys leave for which run. */
export class Contracts {
  readonly #changes: Changes
  readonly #releaseBy: ReleaseBy
  readonly #rates: MemberRates

  /** @param releaseBy runs what releases keys under all that each release rests on */
  constructor(changes: Changes, releaseBy: ReleaseBy, monotonic: (() => number) | undefined) {
    this.#changes = changes
    this.#releaseBy = releaseBy
    this.#rates = createMemberRates(monotonic, CONTRACT_RATE)
  }

  /** Answers an opened call. @throws the codes of each call */
  answer(call: ContractCall): Promise<Answer> {
    if (call.call === 'accept') return this.#accept(call)
    if (call.call === 'sign') return this.#sign(call)
    if (call.call === 'show') return this.#show(call)
    return call.call === 'run' ? this.#run(call) : this.#release(call)
  }

  #accept(call: AcceptCall): Promise<ContractView> {
    return this.#take((state, now) => admitAcceptance(call, state, now))
  }

  #sign(call: SignCall): Promise<ContractView> {
    return this.#take((state, now) => admitSigned(call, heldIn(state, call.contract), state, now))
  }

  async #show(call: ShowCall): Promise<ContractView> {
    const { view, parts } = this.#changes
    return answerInquiry(call, heldIn(view.state, call.contract), parts.clock.now())
  }

  /** Junk is answered before it has a place in the line of changes; in its turn everything is judged again. */
  async #take(admit: (state: KmsState, now: number) => Admitted): Promise<ContractView> {
    const changes = this.#changes
    const now = (): number => changes.parts.clock.now()
    admit(changes.view.state, now())
    return changes.run(async () => {
      const before = changes.keeper.current
      const { held, event } = admit(before, now())
      if (before.contracts.get(held.digest) !== held) await this.#keep(held, event)
      return viewOf(held, now())
    })
  }

  /** Charges a run, and releases its keys: the charge is durable, and in the log, before they leave. */
  #run(call: RunCall): Promise<RunAnswer> {
    const changes = this.#changes
    return this.#releaseBy(async (context) => {
      const judged = await judgeRun(call, heldIn(context.state, call.offer.contract), context)
      context.beforeReceipt()
      return changes.run(async () => {
        const now = heldIn(changes.keeper.current, call.offer.contract)
        // In its turn, what parties signed meanwhile counts.
        const time = changes.parts.clock.now()
        requireInForce(recordOf(now), time)
        verifyOffer(call.offer, now, time)
        this.#requireSamePolicy(context)
        requireData(call.offer.inputs, now, changes.keeper.current)
        const { held, opened } = beginRun(now, judged, call, this.#signer())
        if (held !== now)
          await this.#keep(held, { event: 'run', statement: documentDigest(utf8(opened.receipt)) })
        // Of a run whose answer was lost, the log may not have heard yet.
        else await changes.flush()
        return wrapRunKeys(call, { held, opened }, changes.keeper.current)
      })
    })
  }

  /** Lets a result leave its room: what a party withdrew, or members took back or held, until now counts. */
  #release(call: ReleaseCall): Promise<{ permit: string }> {
    const changes = this.#changes
    return this.#releaseBy(async (context) => {
      const { policy, state, now } = context
      // Junk is refused before it has a place in the line of changes.
      permitResult(call, heldIn(state, call.contract), { now, policy }, () => '')
      return changes.run(async () => {
        this.#requireSamePolicy(context)
        const before = heldIn(changes.keeper.current, call.contract)
        const about = { now: changes.parts.clock.now(), policy }
        const { held, permit } = permitResult(call, before, about, this.#signer())
        if (held !== before)
          await this.#keep(held, { event: 'released', statement: documentDigest(utf8(permit)) })
        return { permit }
      })
    })
  }

  /** What members took back while this waited for its turn counts. @throws `KMS_NOT_READY` */
  #requireSamePolicy({ policy }: ReleaserContext): void {
    if (this.#changes.keeper.current.policy === policy.digest) return
    throw kmsError('KMS_NOT_READY', 'members accepted another policy meanwhile')
  }

  #signer(): (type: string, document: object) => string {
    const { statementKey } = this.#changes.view.boot
    return (type, document) => statementKey.sign(type, document)
  }

  async #keep(
    held: HeldContract,
    event: { event: ContractEvent['event']; statement: Digest } | undefined,
  ): Promise<void> {
    // What ends a contract has a budget of its own, which nothing else uses up: each party says it a few times at most.
    const isEnd = event?.event === 'withdrawn' || event?.event === 'closed'
    this.#rates.take(isEnd ? `${held.digest} end` : held.digest)
    const { genesis } = held.contract
    const document: ContractEvent | undefined = event && {
      format: 'sotto-contract-event/1',
      genesis,
      contract: held.digest,
      ...event,
    }
    const isLogged = document !== undefined && isConsented(recordOf(held), 'logging')
    const envelope = isLogged ? this.#signer()(RUN_TYPES.event, document) : undefined
    await this.#changes.apply((state) => ({
      ...state,
      contracts: new Map(state.contracts).set(held.digest, held),
      ...(envelope !== undefined && { contractEvents: [...(state.contractEvents ?? []), envelope] }),
    }))
    await this.#changes.flush()
  }
}

/** A call as it came out of its encapsulation. @throws `JCS_MALFORMED`, `JCS_FIELD` */
export function parseContractCall(bytes: Uint8Array): ContractCall {
  let value: unknown
  try {
    value = parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_CALL_BYTES })
  } catch {
    throw jcsError('JCS_MALFORMED', 'the call is not JSON')
  }
  return contractCallDecoder(value, 'call')
}

/** Unknown and somebody else's are one answer. */
function heldIn(state: KmsState, digest: Digest): HeldContract {
  const held = state.contracts.get(digest)
  if (held !== undefined) return held
  throw kmsError('KMS_CONTRACT_UNKNOWN', 'no party has brought such a contract')
}
