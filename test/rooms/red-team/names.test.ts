import { expect, it } from 'vitest'
import { BUDGET_ATTACKS } from './budgets.attacks.ts'
import { CALL_ATTACKS } from './calls.attacks.ts'
import { CONSENT_ATTACKS } from './consents.attacks.ts'
import { DATA_ATTACKS } from './data.attacks.ts'
import { OUTPUT_ATTACKS, REVIEW_ATTACKS } from './outputs.attacks.ts'
import { OVERLAP_ATTACKS, WORD_ATTACKS } from './overlap.attacks.ts'
import { PARTY_ATTACKS } from './parties.attacks.ts'
import { QUERY_ATTACKS } from './queries.attacks.ts'
import { ROOM_ATTACKS } from './rooms.attacks.ts'
import { WITHDRAWAL_ATTACKS } from './withdrawals.attacks.ts'

const ALL = [
  BUDGET_ATTACKS,
  CALL_ATTACKS,
  CONSENT_ATTACKS,
  DATA_ATTACKS,
  OUTPUT_ATTACKS,
  OVERLAP_ATTACKS,
  PARTY_ATTACKS,
  QUERY_ATTACKS,
  REVIEW_ATTACKS,
  ROOM_ATTACKS,
  WITHDRAWAL_ATTACKS,
  WORD_ATTACKS,
]

it('counts at least sixty attacks, each with a name of its own', () => {
  const names = ALL.flat().map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names.length).toBeGreaterThanOrEqual(60)
  expect(ALL.every((attacks) => attacks.length >= 5)).toBe(true)
})
