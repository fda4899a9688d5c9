export type Json = Record<string, unknown>
export type Path = (string | number)[]

/**
 * Every object of a document with fields of its own, with the path to it. Members of an open one are no fields:
 * pieces of collateral by name, and what a family reads.
 */
export function* objectsIn(
  value: unknown,
  isOpen: (path: Path) => boolean = (path) => path.at(-1) === 'collateral',
  path: Path = [],
): Generator<Path> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value) && !isOpen(path)) yield path
  for (const [name, member] of Object.entries(value))
    yield* objectsIn(member, isOpen, [...path, Array.isArray(value) ? Number(name) : name])
}

/** What lies at the path. */
export function at(document: object, path: Path): Json {
  return path.reduce<Json>((value, name) => value[name] as Json, document as Json)
}

/** A deep copy with `change` done to what lies at the path. */
export function changed(document: object, path: Path, change: (value: Json) => void): object {
  const copy = structuredClone(document)
  change(at(copy, path))
  return copy
}
