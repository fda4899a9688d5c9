import { ERRNO, ensure, WasiError } from './errno.ts'
import type { WasiDirectory, WasiNode } from './files.ts'

/** Bytes of a path at most (`PATH_MAX` of Linux). */
const MAX_PATH_BYTES = 4096

/**
 * Finds what a path names, from a directory on and never above it.
 * @param path as the module wrote it
 * @returns undefined where its directory has no such entry
 * @throws `WasiError`: `notcapable` for a path that starts at a root or leads above the directory, `noent`, `notdir`,
 *   `inval`, `ilseq`, `nametoolong`
 */
export function findPath(from: WasiDirectory, path: Uint8Array): WasiNode | undefined {
  const text = decodePath(path)
  const parts = text.split('/')
  const above: WasiDirectory[] = []
  let node: WasiNode = from
  for (const [at, part] of parts.entries()) {
    // Also behind the last slash: only directories end with one.
    if (node.kind !== 'directory') throw new WasiError(ERRNO.notdir)
    if (part === '' || part === '.') continue
    if (part === '..') {
      const parent = above.pop()
      ensure(parent !== undefined, ERRNO.notcapable)
      node = parent
      continue
    }
    const found: WasiNode | undefined = node.find(part)
    if (found === undefined) {
      ensure(at === parts.length - 1, ERRNO.noent)
      return undefined
    }
    above.push(node)
    node = found
  }
  return node
}

function decodePath(path: Uint8Array): string {
  ensure(path.length > 0, ERRNO.noent)
  ensure(path.length <= MAX_PATH_BYTES, ERRNO.nametoolong)
  ensure(!path.includes(0), ERRNO.inval)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(path)
  } catch {
    throw new WasiError(ERRNO.ilseq)
  }
  ensure(!text.startsWith('/'), ERRNO.notcapable)
  return text
}
