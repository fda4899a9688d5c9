import { writeFileSync } from 'node:fs'

const MEGABYTE = 2 ** 20

/** Most that one input may take while it is read, and most that all of them may leave behind. */
export const MAX_MEGABYTES = 64

/** Asks the kernel to forget the highest memory so far (proc(5), clear_refs). False where it cannot be asked. */
function forgetPeak(): boolean {
  try {
    writeFileSync('/proc/self/clear_refs', '5')
    return true
  } catch {
    return false
  }
}

/**
 * Megabytes that work takes at its highest beyond `floor`, of memory that is really used: what an allocation only
 * reserves costs nothing. Where the kernel does not forget, only what goes beyond all work before is seen.
 */
export function measurePeak(floor: number, work: () => void): number {
  const before = forgetPeak() ? floor : Math.max(floor, peak())
  work()
  return Math.max(0, peak() - before) / MEGABYTE
}

/** Bytes of memory of this process. */
export function residentBytes(): number {
  return process.memoryUsage.rss()
}

/** Megabytes on the heap and in buffers that are still in use. */
export function heldMegabytes(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / MEGABYTE
}

/** The first one only marks buffers outside the heap as free; the second waits until they are. */
export function collect(): void {
  globalThis.gc!()
  globalThis.gc!()
}

function peak(): number {
  return process.resourceUsage().maxRSS * 1024
}
