import { fromUtf8 } from '@sotto/protocol/bytes'
import { canonicalJson, jcsError, type JsonValue } from '@sotto/protocol/jcs'
import { isObject, mapLists, type Members } from './meaning.ts'
import type { JsonObject, Window } from './types.ts'

/** An entry of a list that holds only for some time: both releases of an upgrade overlap, then the old one ends. */
export interface WindowedEntry extends Window {
  value: JsonValue
}

/** Whether a window is open at an instant (Unix seconds): to the end of its last second, as windows are compared. */
export function isOpen({ notBefore, notAfter }: Window, instant: number): boolean {
  const at = Math.floor(instant)
  // Written so that a time that is no number is in no window.
  return (notBefore === undefined || at >= notBefore) && (notAfter === undefined || at <= notAfter)
}

/** What is wrong with a window, or nothing. */
export function findWindowDefect({ notBefore, notAfter }: Window): string | undefined {
  return notBefore !== undefined && notAfter !== undefined && notBefore > notAfter
    ? 'notAfter lies before notBefore: it never holds'
    : undefined
}

/** An entry of a list with its window; a bare value always holds. */
export function toWindowed(entry: JsonValue): WindowedEntry {
  return isWindowed(entry) ? (entry as unknown as WindowedEntry) : { value: entry }
}

/** A family's policy at one instant, and the lists that have no entry left then. */
export interface ResolvedPolicy {
  policy: JsonObject
  /** Dotted names of lists all of whose entries have ended or not begun. */
  closed: string[]
}

/**
 * Takes the windows off a family's policy: what is left is a document of the family's own. Lists keep the
 * entries whose window is open at `at`; without `at`, all of them. A list of allowed values that loses every
 * entry is left out and named in `closed`: its absence would mean the opposite of what its owner wrote.
 */
export function resolveWindows(policy: JsonObject, members: Members, at?: number): ResolvedPolicy {
  const closed: string[] = []
  const resolved = mapLists(policy, members, (list, path, meaning) => {
    const open = list.map(toWindowed).filter((entry) => at === undefined || isOpen(entry, at))
    if (list.length === 0 || open.length > 0) return open.map(({ value }) => value)
    if (meaning.is === 'allow') closed.push(path)
    return meaning.is === 'tolerate' && meaning.absent === 'any' ? [] : undefined
  })
  return { policy: resolved, closed }
}

/** The first end of an entry that is open at `at`, Unix seconds: what holds now may not hold after it. */
export function nextEnd(policy: JsonObject, members: Members, at: number): number | undefined {
  const ends: number[] = []
  mapLists(policy, members, (list) => {
    for (const entry of list.map(toWindowed))
      if (entry.notAfter !== undefined && isOpen(entry, at)) ends.push(entry.notAfter)
    return undefined
  })
  return ends.length === 0 ? undefined : Math.min(...ends)
}

/**
 * Every list of a family's policy with its windows: well-formed, and no value twice at one instant.
 * @throws `JCS_FIELD` (fix-input) naming the path
 */
export function checkWindows(policy: JsonObject, members: Members, path: string): void {
  mapLists(policy, members, (list, name) => {
    checkList(list, `${path}.${name}`)
    return undefined
  })
}

const WINDOWED_MEMBERS: ReadonlySet<string> = new Set(['value', 'notBefore', 'notAfter'])

function checkList(entries: readonly JsonValue[], path: string): void {
  const seen = new Map<string, Window[]>()
  for (const [index, entry] of entries.entries()) {
    const at = `${path}[${index}]`
    if (isWindowed(entry)) checkEntry(entry, at)
    const { value, ...window } = toWindowed(entry)
    const text = fromUtf8(canonicalJson(value))
    const others = seen.get(text) ?? []
    if (others.some((other) => overlap(other, window)))
      throw jcsError('JCS_FIELD', `${at} contradicts itself: the same value stands twice for the same time`)
    seen.set(text, [...others, window])
  }
}

function checkEntry(entry: JsonObject, path: string): void {
  if (Object.keys(entry).some((name) => !WINDOWED_MEMBERS.has(name)))
    throw jcsError('JCS_FIELD', `${path} has an unknown member`, 'value, notBefore, notAfter')
  if (Object.keys(entry).length < 2)
    throw jcsError('JCS_FIELD', `${path} has no window`, 'notBefore, notAfter or both')
  checkInstant(entry['notBefore'], `${path}.notBefore`)
  checkInstant(entry['notAfter'], `${path}.notAfter`)
  const defect = findWindowDefect(entry as Window)
  if (defect !== undefined) throw jcsError('JCS_FIELD', `${path} contradicts itself: ${defect}`)
}

function checkInstant(value: JsonValue | undefined, path: string): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)) return
  throw jcsError('JCS_FIELD', `${path} is malformed`, 'whole seconds since the Unix epoch')
}

/** Whether two windows have an instant in common. */
function overlap(a: Window, b: Window): boolean {
  const start = Math.max(a.notBefore ?? 0, b.notBefore ?? 0)
  return start <= Math.min(a.notAfter ?? Infinity, b.notAfter ?? Infinity)
}

function isWindowed(entry: JsonValue): entry is JsonObject {
  return isObject(entry) && Object.hasOwn(entry, 'value')
}
