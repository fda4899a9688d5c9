import { type Families, FAMILY_REGISTRY } from './families.ts'
import { type Change, isSame } from './compare.ts'
import { compareFrames, compareTuples, familiesText, isCovered, type MembersOf } from './compare-tuples.ts'
import type { AdmissionTuple, EvidencePolicy } from './types.ts'

/** What a change of a policy does to the evidence it is about. Empty where it does nothing. */
export interface PolicyDiff {
  /** Evidence that the new policy admits and the old one did not. */
  admits: Change[]
  /** Evidence that the old policy admitted and the new one does not. */
  refuses: Change[]
  /** Changes that admit and refuse nothing: names, and what another tuple admits anyway. */
  neutral: Change[]
}

/**
 * Compares what two policies admit, member by member of tuples of the same content or name. The order of
 * tuples and lists, white space and written-out defaults mean nothing.
 */
export function diffPolicies(
  a: EvidencePolicy,
  b: EvidencePolicy,
  families: Families = FAMILY_REGISTRY,
): PolicyDiff {
  const membersOf: MembersOf = (family) => families.get(family)!.members
  const changes = [...compareFrames(a, b), ...diffTuples(a.anyOf, b.anyOf, membersOf)]
  const of = (effect: Change['effect']): Change[] => changes.filter((change) => change.effect === effect)
  return { admits: of('admits'), refuses: of('refuses'), neutral: of('neutral') }
}

/** A diff in sentences, what is newly admitted first: it is what needs a second look. */
export function describeDiff({ admits, refuses, neutral }: PolicyDiff): string[] {
  return [
    ...admits.map(({ path, what }) => `newly admits (${path}): ${what}`),
    ...refuses.map(({ path, what }) => `newly refuses (${path}): ${what}`),
    ...neutral.map(({ what }) => `changes nothing: ${what}`),
  ]
}

function diffTuples(
  before: readonly AdmissionTuple[],
  after: readonly AdmissionTuple[],
  membersOf: MembersOf,
): Change[] {
  const { pairs, removed, added } = pairTuples(before, after, membersOf)
  const coverOf = (tuple: AdmissionTuple, tuples: readonly AdmissionTuple[]): string | undefined =>
    tuples.find((other) => isCovered(tuple, other, membersOf))?.name
  return [
    ...pairs.flatMap(([a, b]) => {
      const changes = compareTuples(a, b, membersOf)
      const renamed: Change[] =
        a.name === b.name
          ? []
          : [{ effect: 'neutral', path: b.name, what: `tuple ${a.name} is now called ${b.name}` }]
      // Looked for only where there is something to excuse.
      const earlier = has(changes, 'admits') ? coverOf(b, before) : undefined
      const other = has(changes, 'refuses') ? coverOf(a, after) : undefined
      return [
        ...renamed,
        ...changes.map((change) => {
          if (change.effect === 'admits') return excuse(change, earlier, 'admitted that already')
          return change.effect === 'refuses' ? excuse(change, other, 'still admits that') : change
        }),
      ]
    }),
    ...added.map((tuple) =>
      excuse(whole(tuple, 'admits', 'new'), coverOf(tuple, before), 'admitted that already'),
    ),
    ...removed.map((tuple) =>
      excuse(whole(tuple, 'refuses', 'removed'), coverOf(tuple, after), 'still admits that'),
    ),
  ]
}

interface Pairing {
  pairs: [AdmissionTuple, AdmissionTuple][]
  removed: AdmissionTuple[]
  added: AdmissionTuple[]
}

/** Tuples that mean the same belong together, whatever they are called; then those of one name. */
function pairTuples(
  before: readonly AdmissionTuple[],
  after: readonly AdmissionTuple[],
  membersOf: MembersOf,
): Pairing {
  const removed = [...before]
  const added = [...after]
  const pairs: Pairing['pairs'] = []
  const take = (belong: (a: AdmissionTuple, b: AdmissionTuple) => boolean): void => {
    for (const a of removed.slice()) {
      const b = added.find((candidate) => belong(a, candidate))
      if (b === undefined) continue
      pairs.push([a, b])
      removed.splice(removed.indexOf(a), 1)
      added.splice(added.indexOf(b), 1)
    }
  }
  take((a, b) => isSame({ ...a } as never, { ...b } as never))
  take((a, b) => a.name === b.name && familiesText(a) === familiesText(b))
  take((a, b) => compareTuples(a, b, membersOf).length === 0)
  return { pairs, removed, added }
}

function whole(tuple: AdmissionTuple, effect: 'admits' | 'refuses', word: string): Change {
  return {
    effect,
    path: tuple.name,
    what: `evidence of ${familiesText(tuple)} under the ${word} tuple ${tuple.name}`,
  }
}

function excuse(change: Change, by: string | undefined, why: string): Change {
  if (by === undefined) return change
  return { ...change, effect: 'neutral', what: `${change.what}; tuple ${by} ${why}` }
}

function has(changes: readonly Change[], effect: Change['effect']): boolean {
  return changes.some((change) => change.effect === effect)
}
