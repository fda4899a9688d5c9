import { closeSync, constants, openSync, statfsSync } from 'node:fs'

/** `__O_TMPFILE`, the same on every Linux architecture; Node does not export it. */
const TMPFILE = 0o20000000
/** File systems whose files are memory and nothing else (`statfs(2)`): tmpfs and ramfs. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])

/**
 * Opens a file without a name, in memory: it vanishes with its last descriptor, however the process ends.
 * It can be swapped out: measured roles refuse to start with swap on.
 *
 * @throws the system's error; an `Error` when `directory` lies on a disk, where plaintext must never go
 */
export function openUnnamed(directory: string): number {
  const fd = openSync(directory, TMPFILE | constants.O_DIRECTORY | constants.O_RDWR, 0o600)
  // Looked at before the first byte is written.
  if (IN_MEMORY.has(statfsSync(`/proc/self/fd/${fd}`).type)) return fd
  closeSync(fd)
  throw new Error('the directory is not in memory')
}
