/** What differs between what was expected and what was found. */
export interface Mismatch {
  expected: string
  found: string
}

const SHOWN = 5

/** The entries that only one of two lists has, whatever their order; undefined: they have the same, as often. */
export function differenceOf(expected: readonly string[], found: readonly string[]): Mismatch | undefined {
  const lacking = without(expected, found)
  const surplus = without(found, expected)
  if (lacking.length === 0 && surplus.length === 0) return undefined
  return { expected: listed(lacking, 'nothing else'), found: listed(surplus, 'nothing of it') }
}

/** Both lists where they are not the same, in the same order. */
export function orderDifferenceOf(
  expected: readonly string[],
  found: readonly string[],
): Mismatch | undefined {
  if (expected.length === found.length && expected.every((one, at) => one === found[at])) return undefined
  return { expected: listed(expected, 'nothing'), found: listed(found, 'nothing') }
}

/** The first few, and how many more there are. */
export function listed(all: readonly string[], none: string): string {
  if (all.length === 0) return none
  const more = all.length - SHOWN
  return `${all.slice(0, SHOWN).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

/** Every entry that the other list does not have as often. */
function without(list: readonly string[], other: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const one of other) left.set(one, (left.get(one) ?? 0) + 1)
  return list.filter((one) => {
    const times = left.get(one) ?? 0
    if (times > 0) left.set(one, times - 1)
    return times === 0
  })
}

/** Values that stand in a list more than once, each once. */
export function repeated<T>(list: readonly T[]): T[] {
  const seen = new Set<T>()
  const twice = new Set<T>()
  for (const one of list) (seen.has(one) ? twice : seen).add(one)
  return [...twice]
}
