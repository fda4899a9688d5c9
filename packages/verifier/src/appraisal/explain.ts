import { type Families, FAMILY_REGISTRY } from './families.ts'
import { own } from './compare-tuples.ts'
import { explainMembers } from './explain-members.ts'
import { durationText, windowText } from './intervals.ts'
import type { AdmissionTuple, EvidencePolicy } from './types.ts'

/** What an evidence policy admits, in plain sentences; lines that belong to a tuple are indented. */
export function explainPolicy(policy: EvidencePolicy, families: Families = FAMILY_REGISTRY): string[] {
  const { name, anyOf, freshness, evidenceMaxAgeSeconds, collateralMaxAgeSeconds, revocationMaxAgeSeconds } =
    policy
  const age = durationText(evidenceMaxAgeSeconds)
  const isSoftware = anyOf.some(({ allOf }) => allOf.some(({ family }) => family === 'software'))
  return [
    anyOf.length === 1
      ? `Policy ${name} admits evidence that satisfies its one tuple as a whole.`
      : `Policy ${name} admits evidence that satisfies one of its ${anyOf.length} tuples as a whole; values of two never mix.`,
    ...(isSoftware
      ? ['It admits a software TEE: nothing is hidden from the owner of the machine it runs on.']
      : []),
    freshness === 'nonce'
      ? `Evidence must be bound to a value handed out for this check, at most ${age} ago.`
      : `Evidence must be at most ${age} old, by its own signed time or by the time of what it is bound to.`,
    collateralMaxAgeSeconds === undefined
      ? 'Collateral counts as long as it says itself.'
      : `Collateral must be at most ${durationText(collateralMaxAgeSeconds)} old.`,
    revocationMaxAgeSeconds === undefined
      ? 'Revocation lists count as long as they say themselves.'
      : `Revocation lists must be there and at most ${durationText(revocationMaxAgeSeconds)} old; those of roots as old as they say themselves.`,
    ...anyOf.flatMap((tuple) => explainTuple(tuple, families)),
  ]
}

/** The lines about one tuple; `what` it is called there. */
export function explainTuple(
  tuple: AdmissionTuple,
  families: Families = FAMILY_REGISTRY,
  what = 'Tuple',
): string[] {
  const { name, allOf, gpuBinding } = tuple
  const titles = allOf.map(({ family }) => families.get(family)!.title)
  const parties = [...new Set(allOf.flatMap(({ family }) => families.get(family)!.trustedParties))]
  return [
    `${what} ${name}${windowText(tuple)}: ${titles.join(' and ')}.`,
    ...allOf.flatMap((component) => {
      const entry = families.get(component.family)!
      return [
        ...explainMembers(entry.members, own(component)).map((line) => `  ${entry.title}: ${line}`),
        `  ${entry.title}: bound through ${entry.binding.field}.`,
      ]
    }),
    ...(gpuBinding === undefined
      ? []
      : [
          `  The evidence of the processor commits to digest and count of the evidence of ${countText(gpuBinding)}.`,
        ]),
    `  One trusts ${parties.join('; ')}.`,
  ]
}

function countText({ minGpus, maxGpus }: NonNullable<AdmissionTuple['gpuBinding']>): string {
  if (minGpus === maxGpus) return minGpus === 1 ? 'one GPU' : `${minGpus} GPUs`
  return `${minGpus} to ${maxGpus} GPUs`
}
