/** What has a `kind` that says which of several forms it has: another form has other members. */
const FORMS = new Set(['task', 'recipe', 'optimiser'])
/** What nobody reads, and the title, which stands above the terms. */
const UNREAD = new Set(['format', 'salt', 'title'])

/** A contract again for every leaf of it, with another value there: none of them has to be a contract. */
export function changedLeaves<T>(contract: T): { path: string; value: T }[] {
  return leavesOf(contract).map((path) => {
    const value = structuredClone(contract)
    let parent = value as Record<string, unknown>
    for (const name of path.slice(0, -1)) parent = parent[name] as typeof parent
    const last = path.at(-1)!
    parent[last] = another(parent[last])
    return { path: path.join('.'), value }
  })
}

function leavesOf(value: unknown, path: string[] = []): string[][] {
  const isForm = path.at(-1) === 'kind' && FORMS.has(path.at(-2) ?? '')
  if (isForm || UNREAD.has(path.at(-1) ?? '')) return []
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([name, one]) => leavesOf(one, [...path, name]))
}

function another(value: unknown): unknown {
  if (typeof value === 'boolean') return !value
  // Amounts of bytes and times are shown in the units that people read.
  if (typeof value === 'number') return value * 2 + 60
  return `${String(value)}x`
}
