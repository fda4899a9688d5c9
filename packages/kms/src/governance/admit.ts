import {
  type MemberJwsType,
  type MemberStatement,
  parseMemberJws,
  verifyMemberJws,
} from '@sotto/protocol/governance'
import { hasCode } from '@sotto/protocol/errors'
import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import { inForceOf } from './in-force.ts'

/** Members' clocks may be this much ahead of ours. */
export const MAX_FUTURE_SECONDS = 300

/**
 * What a member in force signed for this KMS. Whoever sent it is unknown.
 * @throws `KMS_REQUEST_MALFORMED`, `KMS_NOT_AUTHORIZED`, `KMS_WRONG_GENESIS`
 */
export function verifyStatement<Type extends MemberJwsType>(
  token: string,
  type: Type,
  state: KmsState,
): MemberStatement<Type> {
  let statement: MemberStatement<Type>
  try {
    statement = verifyMemberJws(parseMemberJws(token, type), inForceOf(state).members)
  } catch (cause) {
    if (hasCode(cause, 'GOVERNANCE_SIGNATURE'))
      throw kmsError('KMS_NOT_AUTHORIZED', `no member signed the ${type}`, { cause })
    if (hasCode((cause as Error).cause, 'POLICY_INVALID'))
      throw kmsError('KMS_POLICY_MIXED', 'the policy is contradictory', {
        found: (cause as Error).message,
        cause,
      })
    const { message, expected, found } = cause as Error & { expected?: string; found?: string }
    throw kmsError('KMS_REQUEST_MALFORMED', message, {
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
      cause,
    })
  }
  if (statement.document.genesis === state.identity!.digest) return statement
  throw kmsError('KMS_WRONG_GENESIS', `the ${type} is meant for another KMS`, {
    expected: state.identity!.digest,
    found: statement.document.genesis,
  })
}

/** @throws `KMS_STATEMENT_TIME` */
export function requireNotFuture(time: UnixSeconds, now: UnixSeconds): void {
  if (time <= now + MAX_FUTURE_SECONDS) return
  throw kmsError('KMS_STATEMENT_TIME', 'it lies in the future; check the clock it was made by', {
    expected: `at most ${now}`,
    found: `${time}`,
  })
}
