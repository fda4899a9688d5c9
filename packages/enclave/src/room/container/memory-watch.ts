import { readdirSync, readFileSync, statfsSync } from 'node:fs'

/** How often it is looked at least, and how much of the time looking may take: large memory takes long to look at. */
const LOOK_MS = 50
const LOOK_SHARE = 0.1
/** What our own processes around a job take at most, and the interpreter before it becomes the job. */
const OWN_BYTES = 16 * 2 ** 20

/**
 * Bytes of memory that the processes of a capsule have together: of their own and shared, each page once, with what they
 * keep in `/tmp` and `/out`. What of the image is mapped counts too. Pages that no process maps, as those of pipes and of
 * files in memory that were closed to no name, are not seen.
 * @param root of the capsule, as the host sees it
 */
function measureMemory(root: string): number {
  let bytes = 0
  for (const name of readdirSync(`${root}/proc`))
    if (/^\d+$/.test(name)) bytes += memoryOf(`${root}/proc/${name}`)
  for (const place of ['tmp', 'out']) {
    const { blocks, bfree, bsize } = statfsSync(`${root}/root/${place}`)
    bytes += (blocks - bfree) * bsize
  }
  return bytes
}

/** Proportional: a page that two processes have counts half for each. 0 of one that has just ended. */
function memoryOf(process: string): number {
  try {
    const text = readFileSync(`${process}/smaps_rollup`, 'latin1')
    const kibibytes = [...text.matchAll(/^Pss_(?:Anon|Shmem): +(\d+) kB$/gm)].map(([, count]) =>
      Number(count),
    )
    return 1024 * kibibytes.reduce((sum, count) => sum + count, 0)
  } catch {
    return 0
  }
}

/**
 * Looks at the memory of a capsule from time to time until it is told to stop, and tells once when it is too much. What
 * a job takes and gives back between two looks nobody sees; then there is the limit of each process, and the kernel, which
 * ends the job before others.
 * @param maxBytes of the job, besides {@link OWN_BYTES} of ours
 * @returns stops looking
 */
export function watchMemory(root: string, maxBytes: number, onTooMuch: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    const started = performance.now()
    try {
      if (measureMemory(root) > maxBytes + OWN_BYTES) return onTooMuch()
    } catch {
      // The capsule is gone, and so is what it had.
      return
    }
    timer = setTimeout(look, Math.max(LOOK_MS, (performance.now() - started) / LOOK_SHARE))
  }
  timer = setTimeout(look, LOOK_MS)
  return () => clearTimeout(timer)
}
