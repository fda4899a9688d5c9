/** What says which of several forms something has: another form has other members. */
const FORM = new Set(['format', 'salt'])

/** A contract again for every leaf of it, with another value there: none of them has to be a contract. */
export function changedLeaves<T>(contract: T): { path: string; value: T }[] {
  const paths: (string | number)[][] = []
  const visit = (value: unknown, path: (string | number)[]): void => {
    if (FORM.has(String(path.at(-1))) || (path.at(-1) === 'kind' && path.at(-2) === 'task')) return
    if (typeof value !== 'object' || value === null) return void paths.push(path)
    const isList = Array.isArray(value)
    for (const [name, one] of Object.entries(value)) visit(one, [...path, isList ? Number(name) : name])
  }
  visit(contract, [])
  return paths.map((path) => {
    const value = structuredClone(contract)
    let parent = value as Record<string | number, unknown>
    for (const name of path.slice(0, -1)) parent = parent[name] as typeof parent
    const last = path.at(-1)!
    parent[last] = another(parent[last])
    return { path: path.join('.'), value }
  })
}

function another(value: unknown): unknown {
  if (typeof value === 'boolean') return !value
  // Amounts of bytes and times are shown in the units that people read.
  if (typeof value === 'number') return value * 2 + 60
  return `${String(value)}x`
}
