/** Processes of a service, as the kernel tells of them. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** These processes and all below them. */
export async function familyOf(pids) {
  const below = await Promise.all(
    pids.map(async (pid) => {
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
      return familyOf(children.split(' ').filter(Boolean).map(Number))
    }),
  )
  return [...pids, ...below.flat()]
}

/** Those of these processes whose memory would be written to disk when they crash. */
export async function thoseWithCores(pids) {
  const limits = await Promise.all(
    pids.map(async (pid) => [pid, await readFile(`/proc/${pid}/limits`, 'utf8').catch(() => undefined)]),
  )
  // One that is gone by now crashes no more.
  return limits
    .filter(([, text]) => text !== undefined && !/^Max core file size +0 +0 /m.test(text))
    .map(([pid]) => pid)
}

/** Files in memory that have a name: what stays there outlives the process that made it. */
export async function sharedMemory() {
  const names = await readdir('/dev/shm').catch(() => [])
  return Promise.all(
    names.map(async (name) => ({
      name,
      bytes: await readFile(join('/dev/shm', name)).catch(() => Buffer.alloc(0)),
    })),
  )
}
