import type { JsonValue } from '@sotto/protocol/jcs'
import {
  type AdmissionTuple,
  type Component,
  describeApp,
  type EvidenceFamily,
  type PolicyTuple,
  type ReleaseStatement,
} from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import {
  FAMILY_REGISTRY,
  isCovered,
  isObject,
  isHardwareFamily,
  isProcessorFamily,
  isSame,
  type JsonObject,
  listOf,
  type Meaning,
  type Members,
} from '../appraisal/index.ts'

/** What a release says of evidence: which program, on which firmware, with which configuration. */
const RELEASE_PINS: readonly unknown[] = ['program', 'firmware', 'configuration']

/**
 * What a release names on each kind of hardware, one member of every group, for evidence of it to be about one
 * program with one configuration. Who signed an image is no program, and a register that the guest extends by
 * itself says what the guest likes. SGX, Nitro, Azure and Google have no field for a configuration: it is part of
 * the image.
 */
const IDENTITY: Readonly<Record<Exclude<EvidenceFamily, 'nvidia'>, readonly (readonly string[])[]>> = {
  'sev-snp': [['measurements'], ['hostData']],
  // Firmware, boot loader and kernel, command line and initial file system.
  tdx: [['mrTd'], ['rtmr1'], ['rtmr2'], ['mrConfigId']],
  sgx: [['mrEnclave']],
  nitro: [['pcrs.0']],
  // The paravisor, and the boot loader that it measured: PCR4.
  'azure-cvm': [['snp.measurements', 'tdx.mrTd'], ['pcrs.4']],
  // A token for a TD has none of its registers.
  'azure-maa': [['mrEnclaves', 'launchMeasurements']],
  'gcp-confidential-space': [['imageDigests']],
  software: [['measurements'], ['hostData']],
}

/**
 * What is wrong with a release statement, or nothing: its `evidence` says which program it is, nothing else, and
 * nothing that contradicts its subjects.
 */
export function findReleaseDefect({ subject, predicate }: ReleaseStatement): string | undefined {
  const [image, configuration] = subject.map(({ digest }) => digest.sha256) as [string, string]
  const { family, ...policy } = predicate.evidence
  if (predicate.role === 'kms' && (predicate.dataUse?.tasks ?? []).length > 0)
    return 'a KMS gets no content to use'
  if (
    predicate.dataUse !== undefined &&
    (predicate.dataUse.byContract ?? false) !== (predicate.role === 'room')
  )
    return 'a room, and nothing else, declares that it uses content by contract'
  if (predicate.role === 'kms' && predicate.app !== undefined) return 'a KMS runs no app'
  // An app gets every request to it in clear: whoever declares that content is used for nothing has to run none.
  if (predicate.app !== undefined && predicate.dataUse?.tasks.length === 0)
    return 'its app gets content, and its data use names no task'
  if (family === 'nvidia') return 'a GPU says nothing about a program'
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
  const lacking = IDENTITY[family].find((group) => !group.some((path) => has(policy, path)))
  if (lacking !== undefined) return `evidence names no ${lacking.join(' or ')}`
  const configurations = valuesOf(policy, members, 'configuration')
  if (configurations.some((value) => value !== configuration.padEnd(value.length, '0')))
    return 'evidence names another configuration than the statement'
  if (family !== 'software') return undefined
  const [measurement, ...others] = valuesOf(policy, members, 'program')
  const isImage = measurement === softwareMeasurement(image) && others.length === 0
  return isImage ? undefined : 'evidence names another image than the statement'
}

/** What says which program runs: where a token stands beside hardware, the hardware. */
export function programOf({ allOf }: AdmissionTuple): Component | undefined {
  return (
    allOf.find(({ family }) => isHardwareFamily(family)) ??
    allOf.find(({ family }) => isProcessorFamily(family))
  )
}

/** Whether a statement is about everything that a tuple admits: its role, its program, its configuration. */
export function covers({ predicate: { role, evidence } }: ReleaseStatement, tuple: PolicyTuple): boolean {
  const component = programOf(tuple)
  if (component?.family !== evidence.family || tuple.role !== role) return false
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

/** A release, the app that it runs, and what evidence of it says, on one line. */
export function describeRelease({ predicate }: ReleaseStatement): string {
  const { family, ...pins } = predicate.evidence
  const values = Object.entries(pins).map(([name, value]) => `${name} ${stringsOf(value).join(' or ')}`)
  const app = predicate.app === undefined ? '' : ` with app ${describeApp(predicate.app)}`
  return `${predicate.role} ${predicate.version}${app} (${family}: ${values.join(', ')})`
}

/**
 * The first revoked digest in what a release, a tuple or a verdict names: of an image or a configuration, or what
 * evidence reports. A shorter one may stand in a longer field, padded with zeros.
 */
export function findRevoked(value: unknown, revoked: readonly string[]): string | undefined {
  if (revoked.length === 0) return undefined
  const digests = stringsOf(value).map((text) => text.replace(/^sha256:/, '').toLowerCase())
  return revoked.find((digest) =>
    digests.some((text) => text.startsWith(digest) && /^0*$/.test(text.slice(digest.length))),
  )
}

/** Whether a policy has a member, by its dotted name. */
function has(policy: JsonObject, path: string): boolean {
  let value: JsonValue | undefined = policy
  for (const name of path.split('.')) value = isObject(value) ? value[name] : undefined
  return value !== undefined
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

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(stringsOf)
}
