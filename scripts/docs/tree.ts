import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** A repository as the builder reads it: paths from its root, with slashes. */
export interface Tree {
  /** The bytes of a file; undefined when it is none. */
  read(path: string): Uint8Array | undefined
  /** Names in a folder, sorted, those of folders with a slash behind; undefined when it is none. */
  list(path: string): readonly string[] | undefined
}

/** What is in no checkout that somebody has just cloned. */
const UNTRACKED = new Set(['node_modules', 'dist', '.git', '.cache', '.sotto'])

/** The files below a folder of this machine. */
export function treeOf(root: string): Tree {
  return {
    read: (path) => {
      const file = join(root, path)
      return statSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file) : undefined
    },
    list: (path) => {
      const folder = join(root, path)
      if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return undefined
      return readdirSync(folder, { withFileTypes: true })
        .filter(({ name }) => !UNTRACKED.has(name))
        .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
        .toSorted()
    },
  }
}
