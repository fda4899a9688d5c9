/** Where two documents part. */
export interface AciDifference {
  /** Like `kms.command[3]`, or `template.properties.sku`. */
  at: string
  expected: string
  found: string
}

/** Every place at which two JSON values differ. Objects in lists that have a name are told by it. */
export function differencesOf(expected: unknown, found: unknown, at = ''): AciDifference[] {
  if (Object.is(expected, found)) return []
  if (Array.isArray(expected) && Array.isArray(found))
    return Array.from({ length: Math.max(expected.length, found.length) }).flatMap((_, index) =>
      differencesOf(
        expected[index],
        found[index],
        `${at}[${labelOf(expected[index] ?? found[index], index)}]`,
      ),
    )
  if (isRecord(expected) && isRecord(found))
    return [...new Set([...Object.keys(expected), ...Object.keys(found)])]
      .sort()
      .flatMap((name) => differencesOf(expected[name], found[name], at === '' ? name : `${at}.${name}`))
  return [{ at, expected: shown(expected), found: shown(found) }]
}

function labelOf(value: unknown, index: number): string {
  const name = isRecord(value) ? value['name'] : undefined
  return typeof name === 'string' ? name : String(index)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}
