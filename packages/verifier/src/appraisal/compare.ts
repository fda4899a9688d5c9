import { fromUtf8 } from '@sotto/protocol/bytes'
import { canonicalJson, type JsonValue } from '@sotto/protocol/jcs'
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
    return compareMember(meaning, a[name], b[name], join(path, name))
  })
}

type Found = JsonValue | undefined

function compareMember(meaning: Meaning | undefined, a: Found, b: Found, path: string): Change[] {
  if (isSame(a, b)) return []
  if (meaning === undefined) return bothWays(path, `${path}, of which nothing is known`)
  switch (meaning.is) {
    case 'allow':
    case 'tolerate': {
      const { what, absent = [] } = meaning
      return compareLists(what, a ?? absent, b ?? absent, path)
    }
    case 'demand': {
      const { what, absent = [] } = meaning
      const changes = compareLists(what, b ?? absent, a ?? absent, path)
      return changes.map((change) => ({ ...change, what: `evidence without ${change.what}` }))
    }
    case 'permit': {
      const { what, absent = false } = meaning
      const isPermitted = b ?? absent
      return isPermitted === (a ?? absent) ? [] : [one(isPermitted ? 'admits' : 'refuses', path, what)]
    }
    case 'require':
      return a === true || b === true
        ? [one(b === true ? 'refuses' : 'admits', path, `evidence without ${meaning.what}`)]
        : []
    case 'floor':
    case 'ceiling':
      return compareBounds(meaning, a, b, path)
    case 'parts':
      return compareParts(meaning, a, b, path)
    case 'keyed':
      return compareKeyed(meaning, a, b, path)
  }
}

function compareLists(what: string, a: JsonValue, b: JsonValue, path: string): Change[] {
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

function periodsOf(list: JsonValue): Periods {
  const periods: Periods = new Map()
  for (const { value, ...window } of listOf(list).map(toWindowed)) {
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
    if (order !== undefined) return order.map((name) => Number(asObject(value)[name]))
    return String(value).split('.').map(Number)
  }
  const difference = compareRanks(rank(b), rank(a))
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

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left, right] = [a[i] ?? 0, b[i] ?? 0]
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}

function compareParts(meaning: Meaning & { is: 'parts' }, a: Found, b: Found, path: string): Change[] {
  if (meaning.presence === 'demand' && (a === undefined || b === undefined))
    return [one(b === undefined ? 'admits' : 'refuses', path, `evidence without ${meaning.what}`)]
  return compareMembers(meaning.members, asObject(a), asObject(b), path)
}

function compareKeyed(meaning: Meaning & { is: 'keyed' }, a: Found, b: Found, path: string): Change[] {
  const { what, members, others } = meaning
  const refused = others === 'refused'
  // Without the whole member nothing is restricted, whatever happens to keys that are not named.
  if (refused && a === undefined) return [one('refuses', path, `every ${what} but those named`)]
  if (refused && b === undefined) return [one('admits', path, `every ${what}`)]
  const before = entriesOf(meaning, a)
  const after = entriesOf(meaning, b)
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [from, to] = [before.get(key), after.get(key)]
    const at = join(path, key)
    if (from !== undefined && to !== undefined) return compareMembers(members, from, to, at)
    if (refused) return [one(to === undefined ? 'refuses' : 'admits', at, `${what} ${key}`)]
    return [one(to === undefined ? 'admits' : 'refuses', at, `evidence whatever its ${what} ${key} is`)]
  })
}

function entriesOf({ key }: Meaning & { is: 'keyed' }, value: Found): Map<string, JsonObject> {
  if (key === undefined)
    return new Map(Object.entries(asObject(value)).map(([name, entry]) => [name, asObject(entry)]))
  const list = Array.isArray(value) ? (value as readonly JsonValue[]) : []
  return new Map(
    list.map((entry) => {
      const { [key]: name, ...rest } = asObject(entry)
      return [String(name), rest]
    }),
  )
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
