import { Refusal, Skip, type Check } from '../checks/index.ts'
import { earlier } from '../family/index.ts'
import { durationText, instantText } from './intervals.ts'
import type { TupleFacts } from './tuple-checks.ts'

/** Clocks of two machines differ. */
const CLOCK_SKEW_SECONDS = 300

/** Made once: a stack trace takes longer than the other checks. */
const NO_LIMIT = /* @__PURE__ */ new Skip('the policy sets no limit')

/** How old evidence and what came with it may be. */
export const AGE_CHECKS: readonly Check<TupleFacts>[] = [
  {
    name: 'policy.freshness',
    title: 'The evidence is recent',
    needs: ['verdicts'],
    class: 'expired',
    run({ verdicts, families, policy, context, validUntil }) {
      const { at } = context
      // The time of a binding says nothing about evidence that was not compared with it.
      const boundAt = context.expectedReportData === undefined ? undefined : context.boundAt
      // A GPU answers a nonce that is derived from what the processor is bound to: it is as old.
      const processors = verdicts.filter(({ family }) => family !== 'nvidia')
      const times = processors.flatMap(({ family, fields }) => {
        const signedAt = families.get(family)!.signedAt?.(fields)
        return policy.freshness === 'nonce' ? [boundAt, signedAt ?? boundAt] : [signedAt ?? boundAt]
      })
      if (times.some((time) => time === undefined))
        throw new Refusal('nothing says how old it is', 'a time of what it is bound to', 'nothing')
      const oldest = Math.min(...(times as number[]))
      const newest = Math.max(...(times as number[]))
      const limit = policy.evidenceMaxAgeSeconds
      // Written so that a time that is no number is refused.
      if (!(newest <= at + CLOCK_SKEW_SECONDS))
        throw new Refusal('it is from the future', `at most ${instantText(at)}`, instantText(newest))
      if (!(at - oldest <= limit))
        throw new Refusal('it is too old', `at most ${durationText(limit)}`, `${at - oldest} s`)
      return { adds: { validUntil: earlier(validUntil, oldest + limit) }, found: `${at - oldest} s` }
    },
  },
  ageCheck('collateral', 'collateralMaxAgeSeconds', 'TCB information and identities are recent'),
  ageCheck('revocation', 'revocationMaxAgeSeconds', 'Revocation lists and answers are there and recent'),
]

/** One of the two kinds of pieces that have a date. */
function ageCheck(
  kind: 'collateral' | 'revocation',
  member: 'collateralMaxAgeSeconds' | 'revocationMaxAgeSeconds',
  title: string,
): Check<TupleFacts> {
  return {
    name: `policy.${kind}-age`,
    title,
    needs: ['verdicts'],
    class: 'expired',
    maySkip: true,
    run({ verdicts, families, policy: { [member]: limit }, context: { at }, validUntil }) {
      if (limit === undefined) throw NO_LIMIT
      // Families report what they verified and used; a date that merely stands somewhere is anybody's.
      const lacking = verdicts.filter(
        ({ family, dates }) =>
          families.get(family)!.endorsements?.includes(kind) &&
          !dates.some((date) => date.kind === kind || (kind === 'revocation' && date.kind === 'root-list')),
      )
      if (lacking.length > 0)
        throw new Refusal(
          'nothing was verified of which the age counts',
          `${kind} of ${lacking.map(({ family }) => family).join(', ')}`,
          'nothing',
          'collateral-missing',
        )
      const all = verdicts.flatMap(({ dates }) => dates.filter((date) => date.kind === kind))
      if (all.length === 0) throw new Skip('these families have none but lists of roots')
      const oldest = Math.min(...all.map(({ issuedAt }) => issuedAt))
      if (!(at - oldest <= limit))
        throw new Refusal(`the oldest is too old`, `at most ${durationText(limit)}`, `${at - oldest} s`)
      return { adds: { validUntil: earlier(validUntil, oldest + limit) }, found: instantText(oldest) }
    },
  }
}
