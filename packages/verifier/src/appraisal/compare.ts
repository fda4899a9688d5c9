import { fromUtf8 } from '@sotto/protocol/bytes'
import { canonicalJson, type JsonValue } from '@sotto/protocol/jcs'
import { compareParts } from '../nvidia/versions.ts'
import { durationText, subtractWindows, windowText } from './intervals.ts'
import { isObject, join, type Meaning, type Members } from './meaning.ts'
import type { JsonObject, Window } from './types.ts'
import { toWindowed } from './windows.ts'

/** One thing that a change newly admits or newly refuses. `neutral`: it changes names only. */
export interface Change {
  effect: 'admits' | 'refuses' | 'neutral'
  /** Where it stands, dotted, in the document that has it. */
  path: string
  /** One sentence for people, without a subject: `MEASUREMENT ab12… until …`. */
  what: string
  /** The whole value, where the sentence shortens it. */
  value?: JsonValue
}

/** What replacing members `a` by members `b` changes, judged by what each means. */
export function compareMembers(members: Members, a: JsonObject, b: JsonObject, path = ''): Change[] {
  const names = new Set([...Object.keys(members), ...Object.keys(a), ...Object.keys(b)])
  return [...names].flatMap((name) => {
    const meaning = Object.hasOwn(members, name) ? members[name] : undefined
    return compareMember(meaning, valueOf(a, name), valueOf(b, name), join(path, name))
  })
}

type Found = JsonValue | undefined

/** A member that stands there, never one that every object inherits. */
function valueOf(object: JsonObject, name: string): Found {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function compareMember(meaning: Meaning | undefined, a: Found, b: Found, path: string): Change[] {
  if (isSame(a, b)) return []
  if (meaning === undefined) return bothWays(path, `${path}, of which nothing is known`)
  switch (meaning.is) {
    case 'allow':
    case 'tolerate': {
      const { what, absent = [] } = meaning
      return compareLists(what, entriesOr(a, absent), entriesOr(b, absent), path)
    }
    case 'demand': {
      const { what, absent = [] } = meaning
      const changes = compareLists(what, entriesOr(b, absent), entriesOr(a, absent), path)
      return changes.map((change) => ({ ...change, what: `evidence without ${change.what}` }))
    }
    case 'permit': {
      const { what, absent = false } = meaning
      const isPermitted = b ?? absent
      return isPermitted === (a ?? absent)
        ? []
        : [one(isPermitted === true ? 'admits' : 'refuses', path, what)]
    }
    case 'require':
      return a === true || b === true
        ? [one(b === true ? 'refuses' : 'admits', path, `evidence without ${meaning.what}`)]
        : []
    case 'floor':
    case 'ceiling':
      return compareBounds(meaning, a, b, path)
    case 'parts':
      return compareObjects(meaning, a, b, path)
    case 'keyed':
      return compareKeyed(meaning, a, b, path)
  }
}

/** What a list admits: everything only where it is left out, whatever word stands in it. */
type Listed = 'any' | readonly JsonValue[]

function entriesOr(value: Found, absent: Listed): Listed {
  return value === undefined ? absent : listOf(value)
}

function compareLists(what: string, a: Listed, b: Listed, path: string): Change[] {
  if (a === 'any' && b === 'any') return []
  if (b === 'any') return [one('admits', path, `every other ${what}`)]
  if (a === 'any') return [one('refuses', path, `every ${what} but those listed`)]
  const before = periodsOf(a)
  const after = periodsOf(b)
  const lost = (from: Periods, to: Periods, effect: Change['effect']): Change[] =>
    [...from].flatMap(([key, { value, windows }]) =>
      subtractWindows(windows, to.get(key)?.windows ?? []).map((window) => ({
        ...one(effect, path, `${what} ${shortText(value)}${windowText(window)}`),
        value,
      })),
    )
  return [...lost(after, before, 'admits'), ...lost(before, after, 'refuses')]
}

/** The entries of a list; a member that holds one value is a list of it. */
export function listOf(value: JsonValue): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [value]
}

type Periods = Map<string, { value: JsonValue; windows: Window[] }>

function periodsOf(list: readonly JsonValue[]): Periods {
  const periods: Periods = new Map()
  for (const { value, ...window } of list.map(toWindowed)) {
    const key = canonical(value)
    periods.set(key, { value, windows: [...(periods.get(key)?.windows ?? []), window] })
  }
  return periods
}

function compareBounds(
  meaning: Meaning & { is: 'floor' | 'ceiling' },
  a: Found,
  b: Found,
  path: string,
): Change[] {
  const { is, what, absent } = meaning
  const order = is === 'floor' ? meaning.order : undefined
  const none = is === 'floor' ? -Infinity : Infinity
  const rank = (value: Found): number[] => {
    if (value === undefined) return [absent ?? none]
    const parts =
      order === undefined ? String(value).split('.') : order.map((name) => valueOf(asObject(value), name))
    return parts.map((part) => (/^\d+$/.test(String(part)) ? Number(part) : Number.NaN))
  }
  const [before, after] = [rank(a), rank(b)]
  // What is no number is neither above nor below another one, nor the same.
  if ([...before, ...after].some(Number.isNaN)) return bothWays(path, `${what} that cannot be compared`)
  const difference = compareParts(after, before)
  if (difference === 0) return []
  const isLaxer = is === 'floor' ? difference < 0 : difference > 0
  const text = (value: Found): string =>
    meaning.is === 'ceiling' && meaning.unit === 'seconds'
      ? durationText(Number(value))
      : rank(value).join('.')
  const [from, to] = is === 'floor' ? ['below', 'down'] : ['above', 'up']
  const [bound, other] = isLaxer ? [a, b] : [b, a]
  const limit = other === undefined && absent === undefined ? '' : `, ${to} to ${text(other ?? absent)}`
  return [one(isLaxer ? 'admits' : 'refuses', path, `${what} ${from} ${text(bound ?? absent)}${limit}`)]
}

function compareObjects(meaning: Meaning & { is: 'parts' }, a: Found, b: Found, path: string): Change[] {
  if (!isObject(a ?? {}) || !isObject(b ?? {})) return bothWays(path, meaning.what)
  const changes = compareMembers(meaning.members, asObject(a), asObject(b), path)
  if (meaning.presence !== 'demand' || (a !== undefined && b !== undefined)) return changes
  // Left out it is not demanded, and still compared with the defaults where it comes along.
  const effect = b === undefined ? 'admits' : 'refuses'
  const others = changes.filter((change) => change.effect !== effect)
  return [one(effect, path, `evidence without ${meaning.what}`), ...others]
}

function compareKeyed(meaning: Meaning & { is: 'keyed' }, a: Found, b: Found, path: string): Change[] {
  const { what, members, others } = meaning
  const refused = others === 'refused'
  // Without the whole member nothing is restricted, whatever happens to keys that are not named.
  if (refused && a === undefined) return [one('refuses', path, `every ${what} but those named`)]
  if (refused && b === undefined) return [one('admits', path, `every ${what}`)]
  const before = entriesOf(meaning, a)
  const after = entriesOf(meaning, b)
  if (before === undefined || after === undefined) return bothWays(path, what)
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [from, to] = [before.get(key), after.get(key)]
    const at = join(path, key)
    if (from !== undefined && to !== undefined) return compareMembers(members, from, to, at)
    if (refused) return [one(to === undefined ? 'refuses' : 'admits', at, `${what} ${key}`)]
    return [one(to === undefined ? 'admits' : 'refuses', at, `evidence whatever its ${what} ${key} is`)]
  })
}

/** Entries by key; undefined where they are something else, or one key has several, of which all would count. */
function entriesOf({ key }: Meaning & { is: 'keyed' }, value: Found): Map<string, JsonObject> | undefined {
  const entries = new Map<string, JsonObject>()
  if (value === undefined) return entries
  if (isObject(value) !== (key === undefined)) return undefined
  const list = isObject(value)
    ? Object.entries(value)
    : listOf(value).map((entry) => [canonical(valueOf(asObject(entry), key!) ?? null), entry] as const)
  for (const [name, entry] of list) {
    if (!isObject(entry) || entries.has(name)) return undefined
    entries.set(name, key === undefined ? entry : without(entry, key))
  }
  return entries
}

function without(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([other]) => other !== name))
}

/** Whether two values are the same document. */
export function isSame(a: Found, b: Found): boolean {
  if (a === undefined || b === undefined) return a === b
  return canonical(a) === canonical(b)
}

function canonical(value: JsonValue): string {
  return fromUtf8(canonicalJson(value))
}

function asObject(value: Found): JsonObject {
  return isObject(value) ? value : {}
}

/** A value on one line, digests by their beginning. */
export function shortText(value: JsonValue): string {
  const text = typeof value === 'string' ? value : canonical(value)
  return text.length > 40 ? `${text.slice(0, 16)}…` : text
}

function one(effect: Change['effect'], path: string, what: string): Change {
  return { effect, path, what }
}

function bothWays(path: string, what: string): Change[] {
  return [one('admits', path, what), one('refuses', path, what)]
}
