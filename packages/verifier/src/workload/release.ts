import type { JsonValue } from '@sotto/protocol/jcs'
import type { AdmissionTuple, Component, PolicyTuple, ReleaseStatement } from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import {
  FAMILY_REGISTRY,
  isCovered,
  isObject,
  isProcessorFamily,
  isSame,
  isSettled,
  type JsonObject,
  listOf,
  type Meaning,
  type Members,
} from '../appraisal/index.ts'

/** What a release says of evidence: which program, on which firmware, with which configuration. */
const RELEASE_PINS: readonly unknown[] = ['program', 'firmware', 'configuration']

/**
 * What is wrong with a release statement, or nothing: its `evidence` says which program it is, nothing else, and
 * nothing that contradicts its subjects.
 */
export function findReleaseDefect({ subject, predicate }: ReleaseStatement): string | undefined {
  const [image, configuration] = subject.map(({ digest }) => digest.sha256) as [string, string]
  const { family, ...policy } = predicate.evidence
  if (!isProcessorFamily(family)) return 'a GPU says nothing about a program'
  const { members, decodePolicy } = FAMILY_REGISTRY.get(family)!
  // The software root is the machine's, not the release's: its decoder asks for one all the same.
  const whole = family === 'software' ? { roots: [image], ...policy } : policy
  try {
    decodePolicy(whole, 'evidence')
  } catch (error) {
    return (error as Error).message
  }
  const pinned = pinsOf(policy, members)
  const more = Object.keys(policy).find((name) => !isSame(policy[name], pinned[name]))
  if (more !== undefined) return `evidence.${more} says more than program and configuration`
  if (!isSettled(members, policy, 'program')) return 'evidence names no program'
  const configurations = valuesOf(policy, members, 'configuration')
  if (configurations.some((value) => value !== configuration.padEnd(value.length, '0')))
    return 'evidence names another configuration than the statement'
  if (family !== 'software') return undefined
  const [measurement, ...others] = valuesOf(policy, members, 'program')
  const isImage = measurement === softwareMeasurement(image) && others.length === 0
  if (!isImage) return 'evidence names another image than the statement'
  return configurations.length === 1 ? undefined : 'evidence names no configuration'
}

/** Whether a statement is about everything that a tuple admits: its role, its program, its configuration. */
export function covers({ predicate: { role, evidence } }: ReleaseStatement, tuple: PolicyTuple): boolean {
  const component = tuple.allOf.find(({ family }) => family === evidence.family)
  if (component === undefined || tuple.role !== role) return false
  const membersOf = (family: Component['family']): Members => FAMILY_REGISTRY.get(family)!.members
  const pinned = { ...pinsOf(component, membersOf(component.family)), family: component.family }
  return isCovered({ name: 'tuple', allOf: [pinned] }, { name: 'release', allOf: [evidence] }, membersOf)
}

/** A platform on which this release runs, and no other program. */
export function withRelease(platform: AdmissionTuple, { predicate }: ReleaseStatement): AdmissionTuple {
  const { evidence } = predicate
  const allOf = platform.allOf.map((component) =>
    component.family === evidence.family ? (merge(component, evidence) as Component) : component,
  )
  return { ...platform, allOf }
}

/** A release and what evidence of it says, on one line. */
export function describeRelease({ predicate }: ReleaseStatement): string {
  const { family, ...pins } = predicate.evidence
  const values = Object.entries(pins).map(([name, value]) => `${name} ${stringsOf(value).join(' or ')}`)
  return `${predicate.role} ${predicate.version} (${family}: ${values.join(', ')})`
}

/** The first revoked digest that a release names: that of its image, or one that evidence of it reports. */
export function namesRevoked(
  { subject, predicate }: ReleaseStatement,
  revoked: readonly string[],
): string | undefined {
  return [subject[0].digest.sha256, ...stringsOf(predicate.evidence)].find((value) => revoked.includes(value))
}

/** Members that say which program runs. One inside another counts as its own. */
function pinsOf(policy: JsonObject, members: Members): JsonObject {
  const kept = Object.entries(policy).flatMap(([name, value]): [string, JsonValue][] => {
    const meaning = Object.hasOwn(members, name) ? members[name] : undefined
    if (meaning === undefined) return []
    if (isPin(meaning)) return [[name, value]]
    if (meaning.is !== 'parts' || !isObject(value)) return []
    const inner = pinsOf(value, meaning.members)
    return Object.keys(inner).length === 0 ? [] : [[name, inner]]
  })
  return Object.fromEntries(kept)
}

function isPin(meaning: Meaning): boolean {
  return 'pins' in meaning && RELEASE_PINS.includes(meaning.pins)
}

/** Every value of the members that settle one question. */
function valuesOf(policy: JsonObject, members: Members, pin: string): string[] {
  return Object.entries(policy).flatMap(([name, value]) => {
    const meaning = Object.hasOwn(members, name) ? members[name] : undefined
    if (meaning === undefined) return []
    if ('pins' in meaning && meaning.pins === pin) return listOf(value).map(String)
    return meaning.is === 'parts' && isObject(value) ? valuesOf(value, meaning.members, pin) : []
  })
}

function merge(under: JsonValue | undefined, over: JsonValue): JsonValue {
  if (!isObject(under) || !isObject(over)) return over
  const members = Object.entries(over).map(([name, value]): [string, JsonValue] => [
    name,
    merge(under[name], value),
  ])
  return { ...under, ...Object.fromEntries(members) }
}

function stringsOf(value: JsonValue): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap((member) => stringsOf(member as JsonValue))
}
