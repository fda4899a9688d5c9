import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Writes a whole file so that after a crash either the old or the new content is there: a temporary
 * file beside it, synced, renamed over it, and the directory synced.
 */
export function writeFileDurably(file: string, content: string, mode: number): void {
  const temporary = `${file}.new`
  const handle = openSync(temporary, 'w', mode)
  try {
    writeSync(handle, content)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(temporary, file)
  syncFolder(dirname(file))
}

/** Makes names in a folder durable. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
