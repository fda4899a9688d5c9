import { keepsExceptions } from './compare-exceptions.ts'
import { type Change, compareMembers } from './compare.ts'
import { subtractWindows, windowText } from './intervals.ts'
import type { Members } from './meaning.ts'
import { findTupleDefect } from './parse.ts'
import type { AdmissionTuple, Component, EvidencePolicy, JsonObject, PolicyFamily, Window } from './types.ts'

/** Meanings of a family's policy by family. */
export type MembersOf = (family: PolicyFamily) => Members

const BINDING_MEMBERS: Members = {
  minGpus: { is: 'floor', what: 'number of GPUs', absent: 1 },
  maxGpus: { is: 'ceiling', what: 'number of GPUs' },
}

const POLICY_MEMBERS: Members = {
  evidenceMaxAgeSeconds: { is: 'ceiling', what: 'evidence with an age', unit: 'seconds' },
  collateralMaxAgeSeconds: { is: 'ceiling', what: 'collateral with an age', unit: 'seconds' },
  revocationMaxAgeSeconds: {
    is: 'ceiling',
    what: 'revocation lists with an age',
    unit: 'seconds',
  },
}

/**
 * What replacing one tuple by another changes. Tuples of other families have no evidence in common:
 * everything of the one is refused and everything of the other admitted.
 */
export function compareTuples(a: AdmissionTuple, b: AdmissionTuple, membersOf: MembersOf): Change[] {
  const path = b.name
  if (familiesText(a) !== familiesText(b)) {
    return [
      { effect: 'admits', path, what: `evidence of ${familiesText(b)}` },
      { effect: 'refuses', path, what: `evidence of ${familiesText(a)}` },
    ]
  }
  const components = a.allOf.flatMap((before) => {
    const { family } = before
    const after = b.allOf.find((component) => component.family === family)!
    return compareMembers(membersOf(family), own(before), own(after), `${path}.${family}`)
  })
  const gpus = compareMembers(BINDING_MEMBERS, { ...a.gpuBinding }, { ...b.gpuBinding }, `${path}.gpuBinding`)
  return [...components, ...gpus, ...compareWindows(a, b, path)]
}

/**
 * Whether everything that `inner` admits is admitted by `outer` too, at every time and under the same ages and
 * freshness. Certain where it says yes; no may also mean that it is not known.
 */
export function isCovered(inner: AdmissionTuple, outer: AdmissionTuple, membersOf: MembersOf): boolean {
  // A tuple that is none admits nothing.
  return (
    findTupleDefect(outer) === undefined &&
    compareTuples(inner, outer, membersOf).every(({ effect }) => effect !== 'refuses') &&
    outer.allOf.every((component) =>
      keepsExceptions(
        component.family,
        own(inner.allOf.find(({ family }) => family === component.family)!),
        own(component),
      ),
    )
  )
}

/** What changes outside the tuples. */
export function compareFrames(a: EvidencePolicy, b: EvidencePolicy): Change[] {
  const { name, freshness, anyOf: _, ...before } = a
  const { name: newName, freshness: newFreshness, anyOf: __, ...after } = b
  const changes = compareMembers(POLICY_MEMBERS, before, after)
  if (freshness !== newFreshness) {
    changes.push({
      effect: newFreshness === 'age' ? 'admits' : 'refuses',
      path: 'freshness',
      what: 'evidence that is bound to no value handed out for this check',
    })
  }
  if (name !== newName)
    changes.push({ effect: 'neutral', path: 'name', what: `the policy ${name} is now called ${newName}` })
  return changes
}

/** Families of a tuple, in the order of their names. */
export function familiesText({ allOf }: AdmissionTuple): string {
  return allOf
    .map(({ family }) => family)
    .sort()
    .join(' + ')
}

/** A component without the name of its family. */
export function own(component: Component): JsonObject {
  const { family: _, ...policy } = component
  return policy
}

function compareWindows(a: Window, b: Window, path: string): Change[] {
  const times = (from: Window, to: Window, effect: Change['effect']): Change[] =>
    subtractWindows([from], [to]).map((window) => ({
      effect,
      path,
      what: `everything of this tuple${windowText(window)}`,
    }))
  return [...times(b, a, 'admits'), ...times(a, b, 'refuses')]
}
