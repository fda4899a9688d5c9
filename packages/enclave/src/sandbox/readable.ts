import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

const OTHERS_MAY_ENTER = 0o001

/** The topmost directory above a program that holds its dependencies (`node_modules`); else its own directory. */
export function codeRoot(entry: string): string {
  let root = dirname(entry)
  for (const directory of ancestors(entry)) if (existsSync(join(directory, 'node_modules'))) root = directory
  return root
}

/** The outermost directories above these paths that other uids may not enter; each once. */
export function coversOf(paths: readonly string[]): string[] {
  const covers = new Set<string>()
  for (const path of paths) {
    const closed = ancestors(path).findLast(
      (directory) => (statSync(directory).mode & OTHERS_MAY_ENTER) === 0,
    )
    if (closed !== undefined) covers.add(closed)
  }
  return [...covers]
}

/** Directories above a path, the nearest first, without the root. */
function ancestors(path: string): string[] {
  const found: string[] = []
  for (let directory = dirname(path); directory !== dirname(directory); directory = dirname(directory))
    found.push(directory)
  return found
}
