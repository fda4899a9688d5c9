import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PREFIX = 'sotto-engine-'
/** Namespace of the owner's number, the number, when the owner started (clock ticks since boot), mkdtemp's own part. */
const NAME = /^sotto-engine-(\d+)-(\d+)-(\d+)-[A-Za-z0-9]{6}$/

/**
 * Makes a directory that engines run in, or that a root is mounted over: empty, and writable for nobody. Those of hosts
 * that were killed and could not remove theirs are removed first. The name says whose each one is.
 */
export function makeEmptyDirectory(root: string = tmpdir()): string {
  removeAbandoned(root)
  const directory = mkdtempSync(join(root, `${PREFIX}${namespace()}-${process.pid}-${startOf(process.pid)}-`))
  chmodSync(directory, 0o555)
  return directory
}

/** Removes the directories of processes of this namespace that have ended; others cannot be told dead from here. */
function removeAbandoned(root: string): void {
  const own = namespace()
  for (const name of namesIn(root)) {
    const [, space, pid, started] = NAME.exec(name) ?? []
    if (space !== own || startOf(Number(pid)) === started) continue
    try {
      // Only a directory that is empty, so that a name like ours costs nobody a file.
      rmdirSync(join(root, name))
    } catch {
      // Another user's, or another host was faster.
    }
  }
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root)
  } catch {
    // Shared folders may be writable and not readable.
    return []
  }
}

function namespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0]
}

/** Field 22 of `/proc/PID/stat`; undefined when no such process runs. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The program's name in parentheses may hold anything; behind it come the fields from the third on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[22 - 3]
  } catch {
    return undefined
  }
}
