import type { MemberStatement } from '@sotto/protocol/governance'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import type { StatementKey } from '../statements/index.ts'
import { requireNotFuture } from './admit.ts'
import { withRecord } from './chain.ts'
import type { StandingHold } from './types.ts'

/** A hold reaches the KMS within an hour, or it is made anew. */
const MAX_HOLD_AGE_SECONDS = 3600

/**
 * Judges a hold that a member in force signed. A member has one hold at a time; the copy of one that has
 * ended is refused, so that nobody but the member can hold again.
 * @returns the hold, and whether it stands already
 * @throws `KMS_STATEMENT_TIME`, `KMS_HOLD_ENDED`
 */
export function admitHold(
  { id, document, member }: MemberStatement<'hold'>,
  { governance }: KmsState,
  now: UnixSeconds,
): { hold: StandingHold; stands: boolean } {
  const standing = governance.holds.find((hold) => hold.member.key === member.key)
  if (standing !== undefined) return { hold: standing, stands: true }
  requireNotFuture(document.createdAt, now)
  if (document.createdAt <= (governance.lastHolds[member.key] ?? 0))
    throw kmsError('KMS_HOLD_ENDED', 'this hold, or a later one of the same member, has ended')
  if (document.createdAt < now - MAX_HOLD_AGE_SECONDS)
    throw kmsError('KMS_STATEMENT_TIME', 'the hold is too old; sign a new one', {
      expected: `at most ${MAX_HOLD_AGE_SECONDS} s old`,
      found: `${now - document.createdAt} s`,
    })
  const { reason, createdAt } = document
  return { hold: { id, member, reason, createdAt }, stands: false }
}

/** The state with a hold in force. The log hears of it when it can. */
export function withHold(
  state: KmsState,
  hold: StandingHold,
  token: string,
  sign: StatementKey['sign'],
): KmsState {
  const { governance } = state
  if (governance.holds.some(({ member }) => member.key === hold.member.key)) return state
  const held = {
    ...governance,
    holds: [...governance.holds, hold],
    lastHolds: { ...governance.lastHolds, [hold.member.key]: hold.createdAt },
  }
  return withRecord(
    { ...state, governance: held },
    { type: 'hold', jws: token },
    { type: 'hold', id: hold.id },
    sign,
  )
}
