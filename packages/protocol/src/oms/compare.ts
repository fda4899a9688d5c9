import type { OmsStatement } from './types.ts'

/** A file as it lies: its digest, or those of its parts in order. */
export interface ObservedFile {
  /** Bytes. */
  size: number
  /** Hexadecimal, one for each shard; one for a file that is not cut. */
  digests: readonly string[]
}

/** How a model differs from what was signed. Empty lists: it is the same. Paths are sorted. */
export interface ModelDifferences {
  changed: string[]
  missing: string[]
  extra: string[]
  /** Empty files beside shards: the format cannot name them, so nothing is known about them. */
  uncovered: string[]
}

/** Compares every file of a model, those that are ignored left out, with its manifest. */
export function compareOms(
  { resources, serialization }: OmsStatement,
  files: ReadonlyMap<string, ObservedFile>,
): ModelDifferences {
  const expected = new Map<string, string[]>()
  const sizes = new Map<string, number>()
  const ordered = resources.toSorted((a, b) => (a.shard?.start ?? 0) - (b.shard?.start ?? 0))
  for (const { path, digest, shard } of ordered) {
    const digests = expected.get(path)
    if (digests === undefined) expected.set(path, [digest])
    else digests.push(digest)
    if (shard !== undefined) sizes.set(path, shard.end)
  }
  const changed: string[] = []
  const missing: string[] = []
  for (const [path, digests] of expected) {
    const found = files.get(path)
    if (found === undefined) missing.push(path)
    else if (
      (sizes.get(path) ?? found.size) !== found.size ||
      digests.length !== found.digests.length ||
      digests.some((digest, i) => digest !== found.digests[i])
    )
      changed.push(path)
  }
  const unknown = [...files].filter(([path]) => !expected.has(path))
  const isUncovered = (file: ObservedFile): boolean => serialization.method === 'shards' && file.size === 0
  return {
    changed: changed.sort(),
    missing: missing.sort(),
    extra: unknown
      .filter(([, file]) => !isUncovered(file))
      .map(([path]) => path)
      .sort(),
    uncovered: unknown
      .filter(([, file]) => isUncovered(file))
      .map(([path]) => path)
      .sort(),
  }
}
