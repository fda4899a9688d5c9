import type { JsonValue } from '@sotto/protocol/jcs'
import { isSame, listOf, shortText } from './compare.ts'
import { isObject, join, type Meaning, type Members, type Pin } from './meaning.ts'
import type { JsonObject } from './types.ts'
import { toWindowed } from './windows.ts'

/** A warning about one member. */
export interface MemberFinding {
  code: string
  path: string
  message: string
}

const OPEN: Readonly<Record<Pin, string>> = {
  program: 'admits every program: name what it may measure',
  firmware: 'admits every firmware below the program',
  configuration: 'admits every configuration of the program',
  chip: 'admits every chip of the vendor, one whose keys were extracted with it in hand too',
  service: 'admits every instance of the service, one that somebody else set up too',
}

/**
 * What a family's policy leaves open or forgives, by the meaning of its members: whatever makes it laxer than
 * an empty one, and what even an empty one leaves open.
 */
export function lintMembers(members: Members, policy: JsonObject, path: string): MemberFinding[] {
  return [
    ...findOpenPins(members, policy, path),
    ...findOpenMembers(members, policy, path),
    ...findLaxMembers(members, policy, path),
  ]
}

/** Members that should not be left out, those of parts too. */
function findOpenMembers(members: Members, policy: JsonObject, path: string): MemberFinding[] {
  return Object.entries(members).flatMap(([name, meaning]): MemberFinding[] => {
    const [value, at] = [policy[name], join(path, name)]
    if (meaning.is === 'parts') return findOpenMembers(meaning.members, isObject(value) ? value : {}, at)
    if (meaning.open === undefined) return []
    const { code, text } = meaning.open
    if (value === undefined) return [{ code, path: at, message: text }]
    if (meaning.is !== 'keyed' || !isObject(value)) return []
    const entries = Object.entries(value)
    if (entries.length === 0)
      return [{ code, path: at, message: `names no ${meaning.what}: nothing is admitted` }]
    // Floors of 0 are none.
    return entries
      .filter(([, entry]) => isObject(entry) && Object.values(entry).every((floor) => floor === 0))
      .map(([key]) => ({ code, path: join(at, key), message: text }))
  })
}

function findOpenPins(members: Members, policy: JsonObject, path: string): MemberFinding[] {
  const pins = Object.entries(members).flatMap(([name, meaning]) =>
    'pins' in meaning && meaning.pins !== undefined ? [{ name, pin: meaning.pins }] : [],
  )
  const kinds = new Set(pins.map(({ pin }) => pin))
  return [...kinds].flatMap((kind) => {
    const ofKind = pins.filter(({ pin }) => pin === kind)
    if (isSettled(members, policy, kind)) return []
    return [
      {
        code: `any-${kind}`,
        path,
        message: `${OPEN[kind]} (${ofKind.map(({ name }) => name).join(' or ')})`,
      },
    ]
  })
}

/** Whether any member that settles this says something. */
export function isSettled(members: Members, policy: JsonObject, pin: Pin): boolean {
  return Object.entries(members).some(
    ([name, meaning]) => 'pins' in meaning && meaning.pins === pin && isPinned(meaning, policy[name]),
  )
}

function isPinned(meaning: Meaning, value: JsonValue | undefined): boolean {
  if (value === undefined) return false
  if (meaning.is !== 'parts' || meaning.presence === 'demand')
    return !Array.isArray(value) || (value as readonly JsonValue[]).length > 0
  return (
    isObject(value) &&
    Object.entries(meaning.members).some(([name, inner]) => 'pins' in inner && isPinned(inner, value[name]))
  )
}

function findLaxMembers(members: Members, policy: JsonObject, path: string): MemberFinding[] {
  return Object.entries(policy).flatMap(([name, value]) => {
    const meaning = Object.hasOwn(members, name) ? members[name] : undefined
    return meaning === undefined ? [] : findLax(meaning, value, join(path, name))
  })
}

function findLax(meaning: Meaning, value: JsonValue, path: string): MemberFinding[] {
  const { is, what, code = 'lax' } = meaning
  const entries = (): readonly JsonValue[] => listOf(value).map((entry) => toWindowed(entry).value)
  switch (is) {
    case 'permit':
      return value === true && meaning.absent !== true ? [{ code, path, message: `admits ${what}` }] : []
    case 'tolerate':
      if (meaning.absent === 'any') return []
      return entries().map((entry) => ({ code, path, message: `admits ${what} ${shortText(entry)}` }))
    case 'allow': {
      const { absent } = meaning
      if (absent === 'any') return []
      const lax = entries().filter((entry) => !absent.some((usual) => isSame(usual, entry)))
      return lax.map((entry) => ({ code, path, message: `admits ${what} ${shortText(entry)}` }))
    }
    case 'ceiling':
      return meaning.absent !== undefined && Number(value) > meaning.absent
        ? [{ code, path, message: `admits ${what} above ${meaning.absent}` }]
        : []
    case 'floor':
      return typeof meaning.absent === 'number' && Number(value) < meaning.absent
        ? [{ code, path, message: `admits ${what} below ${meaning.absent}` }]
        : []
    case 'parts':
      return isObject(value) ? findLaxMembers(meaning.members, value, path) : []
    case 'keyed': {
      const list = isObject(value) ? Object.values(value) : listOf(value)
      return list.flatMap((entry, index) =>
        isObject(entry) ? findLaxMembers(meaning.members, entry, `${path}[${index}]`) : [],
      )
    }
    case 'demand': {
      const lacking = (meaning.absent ?? []).filter(
        (usual) => !entries().some((entry) => isSame(usual, entry)),
      )
      return lacking.map((usual) => ({
        code,
        path,
        message: `admits evidence without ${what} ${shortText(usual)}`,
      }))
    }
    case 'require':
      return []
  }
}
