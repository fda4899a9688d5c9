import type { JsonValue } from '@sotto/protocol/jcs'
import type { JsonObject } from './types.ts'

/** What a pinned member settles about evidence, for warnings about policies that leave it open. */
export type Pin = 'program' | 'firmware' | 'configuration' | 'chip' | 'service'

/**
 * What one member of a family's policy means: enough to say what a change of it admits or refuses, to put it
 * in a sentence, and to know which lists may have windows.
 * - `allow`: the value is one of the list, or with `single` the one that stands there. Absent means any value, or
 *   the values of `absent`.
 * - `tolerate`: each entry forgives something; empty forgives nothing, absent neither unless `absent` says so.
 * - `demand`: every entry must hold; empty demands nothing, absent neither but for `absent`.
 * - `permit`: true forgives something. `require`: true demands something. Both false when absent, but for `absent`.
 * - `floor`: at least this number (or this version, part by part, `550.90.07` or the members of `order`). Absent: `absent`, else none.
 * - `ceiling`: at most this number. Absent: `absent`, else none.
 * - `parts`: an object of members. Absent is the same as empty, unless `presence` says that being there is a demand.
 * - `keyed`: a list of `{[key], …}` or an object by key, each entry judged on its own; what is not named is
 *   unrestricted, or refused where `others` says so.
 *
 * `code` names the warning about a value laxer than the default, `open` the one about a member left out.
 */
export type Meaning = {
  readonly what: string
  readonly code?: string
  readonly open?: { readonly code: string; readonly text: string }
} & (
  | {
      readonly is: 'allow'
      readonly absent: 'any' | readonly JsonValue[]
      readonly single?: true
      readonly pins?: Pin
    }
  | { readonly is: 'tolerate'; readonly absent?: 'any' }
  | { readonly is: 'permit'; readonly absent?: true }
  | { readonly is: 'demand'; readonly absent?: readonly JsonValue[] }
  | { readonly is: 'require' }
  | { readonly is: 'floor'; readonly absent?: number; readonly order?: readonly string[] }
  | { readonly is: 'ceiling'; readonly absent?: number; readonly unit?: 'seconds' }
  | { readonly is: 'parts'; readonly members: Members; readonly presence?: 'demand'; readonly pins?: Pin }
  | {
      readonly is: 'keyed'
      /** Member that holds the key, in a list; left out for an object by key. */
      readonly key?: string
      readonly members: Members
      readonly others: 'unrestricted' | 'refused'
      readonly pins?: Pin
    }
)

/** Meanings of all members of an object. */
export type Members = { readonly [name: string]: Meaning }

/** A meaning for every member of a policy type: one that is forgotten does not compile. */
export type MeaningsOf<Policy extends object> = { readonly [Name in keyof Policy]-?: Meaning }

/** Whether entries of this list may have windows: they admit something, and nothing becomes laxer when one ends. */
export function mayHaveWindows(meaning: Meaning): boolean {
  return meaning.is === 'tolerate' || (meaning.is === 'allow' && meaning.single !== true)
}

/** What a visitor puts in the place of a list; undefined leaves the member out. */
export type ListVisitor = (
  list: readonly JsonValue[],
  path: string,
  meaning: Meaning,
) => JsonValue | undefined

/** A policy with every list that may have windows replaced by what `visit` answers. Everything else stays as it is. */
export function mapLists(policy: JsonObject, members: Members, visit: ListVisitor, path = ''): JsonObject {
  const mapped: [string, JsonValue][] = []
  for (const [name, value] of Object.entries(policy)) {
    const meaning = Object.hasOwn(members, name) ? members[name] : undefined
    const changed = meaning === undefined ? value : mapMember(value, meaning, visit, join(path, name))
    if (changed !== undefined) mapped.push([name, changed])
  }
  return Object.fromEntries(mapped)
}

function mapMember(
  value: JsonValue,
  meaning: Meaning,
  visit: ListVisitor,
  path: string,
): JsonValue | undefined {
  if (mayHaveWindows(meaning))
    return Array.isArray(value) ? visit(value as readonly JsonValue[], path, meaning) : value
  if (meaning.is === 'parts') return isObject(value) ? mapLists(value, meaning.members, visit, path) : value
  if (meaning.is !== 'keyed') return value
  const { members } = meaning
  const mapEntry = (entry: JsonValue, key: string): JsonValue =>
    isObject(entry) ? mapLists(entry, members, visit, join(path, key)) : entry
  if (Array.isArray(value))
    return (value as readonly JsonValue[]).map((entry, index) => mapEntry(entry, `${index}`))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, mapEntry(entry, key)]))
}

/** Whether a value is an object, and no list. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Dotted name of a member. */
export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
