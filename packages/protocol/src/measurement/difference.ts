/** Where two manifests part. */
export interface ManifestDifference {
  path: string
  /** Of the file in the second against the first. */
  kind: 'is missing' | 'is extra' | 'has other bytes' | 'has another mode'
}

const LINE = /^([0-7]{3}) ([0-9a-f]{64}) (.+)$/

/**
 * The first file, by path, in which two canonical manifests differ; undefined when they are the same
 * bytes. The texts are those of `encodeManifest`: the caller has compared their digests with what was
 * signed. A line that is none counts as one more difference, never as equal.
 */
export function firstDifference(expected: string, found: string): ManifestDifference | undefined {
  if (expected === found) return undefined
  const [a, b] = [linesByPath(expected), linesByPath(found)]
  for (const path of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [one, other] = [a.get(path), b.get(path)]
    if (one === other) continue
    if (one === undefined) return { path, kind: 'is extra' }
    if (other === undefined) return { path, kind: 'is missing' }
    return { path, kind: one.slice(4) === other.slice(4) ? 'has another mode' : 'has other bytes' }
  }
  return { path: 'manifest', kind: 'has other bytes' }
}

function linesByPath(manifest: string): Map<string, string> {
  return new Map(
    manifest
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [LINE.exec(line)?.[3] ?? line, line]),
  )
}
