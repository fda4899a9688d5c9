import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Resident memory of a process in bytes, now and at its highest. */
export function memoryOf(pid: number): { resident: number; highest: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
  return { resident: field('VmRSS'), highest: field('VmHWM') }
}

/** Starts the process's high-water mark anew at what it holds now. False where the kernel does not let us. */
export function resetHighest(pid: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
    return true
  } catch {
    return false
  }
}

/** CPU time of a process so far, user and system, in milliseconds, at a resolution of 10 ms. */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** CPU time of the threads of a process so far, in milliseconds, as the scheduler counts it; without threads that ended. */
export function threadCpuMsOf(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) => {
    try {
      return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
    } catch {
      return 0
    }
  })
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6
}
