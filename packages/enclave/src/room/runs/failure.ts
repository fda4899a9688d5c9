import { SottoError } from '@sotto/protocol/errors'
import type { RunFailure } from '@sotto/protocol/room'

/** Codes whose words are ours and hold no data. What engines and libraries say may quote what they were given. */
const OWN_WORDS = /^(?:ROOM|CONTRACT|SEALED|RELEASE)_/
const RULES: Readonly<Record<string, string>> = {
  ROOM_OVERLAP: 'max-common-words',
  ROOM_OUTPUT: 'max-bytes',
  ROOM_EXPIRED: 'validity',
}
/** The KMS's codes by the rule that they are about. */
const KMS_RULES: Readonly<Record<string, string>> = {
  CONTRACT_BUDGET: 'budget',
  CONTRACT_WITHDRAWN: 'withdrawn',
  CONTRACT_CLOSED: 'closed',
  CONTRACT_EXPIRED: 'validity',
  KMS_CONTRACT_DATA: 'data-statement',
  KMS_NOT_ADMITTED: 'room-image',
}
const MAX_MESSAGE = 500

/** Why a run failed, as parties are told. */
export function failureOf(error: unknown): RunFailure {
  if (!(error instanceof SottoError))
    return { code: 'ROOM_FAILED', message: 'the run failed inside the room' }
  const { code, found } = error
  if (!OWN_WORDS.test(code))
    return { code, message: 'a task of the run failed; its own words stay in the room' }
  const rule = ruleOf(error)
  const inside = code === 'ROOM_KMS' && found !== undefined ? `${error.message}: ${found}` : error.message
  const expected = error.expected === undefined ? '' : ` (expected ${error.expected})`
  return { code, message: lineOf(inside + expected), ...(rule !== undefined && { rule }) }
}

function ruleOf({ code, found = '' }: SottoError): string | undefined {
  if (code === 'ROOM_KMS') return KMS_RULES[found]
  // `found` begins with the rule's name there.
  if (code === 'ROOM_SQL_REFUSED') return /^[a-z][a-z0-9-]{0,63}(?=:)/.exec(found)?.[0]
  return RULES[code]
}

function lineOf(words: string): string {
  return words
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
    .slice(0, MAX_MESSAGE)
    .toWellFormed()
}
