import type { EvidenceAppraisal } from '../appraisal/index.ts'

/** Longest sentence: sixteen tuples may each have their reasons. */
const MAX_CHARACTERS = 1000

/** Why no tuple admitted evidence, on one line: of each the steps that failed, those of pieces included. */
export function refusalText({ tuples }: EvidenceAppraisal): string {
  const reasons = tuples.map(({ name, steps }) => {
    const failed = steps.filter(({ status }) => status === 'fail')
    return `${name}: ${failed.map(({ name: step, reason }) => `${step}: ${reason}`).join('; ')}`
  })
  const text = reasons.join(' | ')
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text
}
