import { encodeTarHeader, TAR_END, tarPadding, unfit } from './header.ts'
import { pathsInOrder } from './paths.ts'

/** A file of an archive. */
export interface TarFile {
  /** Relative path with `/`, printable ASCII, without an empty, `.` or `..` segment. */
  path: string
  /** 0o755 for what is executed, otherwise 0o644. */
  mode: number
  bytes: Uint8Array
}

/** A directory of an archive. Only layers of container images have them: whoever unpacks code makes its own. */
export interface TarDirectory {
  path: string
  mode: 0o755
  directory: true
}

/**
 * An archive of these files that depends on nothing else: sorted by path in code-unit order, no owner, no time.
 * The same files give the same bytes, whoever packs them and whenever. Everything is held in memory at once; for more
 * than that, write the parts of `header.ts` one by one.
 *
 * @throws `TAR_ENTRY` (fix-input) for a path, mode or size that an archive cannot hold, a mode other than 0o644 and
 *   0o755, a path that occurs twice, and a file that lies where another has its folder
 */
export function packTar(entries: readonly (TarFile | TarDirectory)[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  const follow = pathsInOrder()
  const parts: Uint8Array[] = []
  for (const entry of sorted) {
    const { path, mode } = entry
    const isDirectory = 'directory' in entry
    if (mode !== 0o755 && (mode !== 0o644 || isDirectory))
      throw unfit(`the mode of ${path} is not 644 or 755`)
    const bytes = isDirectory ? new Uint8Array() : entry.bytes
    const header = { path, mode, size: bytes.length, ...(isDirectory && { directory: true as const }) }
    parts.push(encodeTarHeader(header), bytes, tarPadding(bytes.length))
    const conflict = follow(path, isDirectory)
    if (conflict !== undefined) throw unfit(conflict)
  }
  parts.push(TAR_END)
  return join(parts)
}

/** Not `concat(...parts)`: an archive may have more parts than a call has arguments. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
