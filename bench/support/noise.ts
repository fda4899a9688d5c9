import { createHash } from 'node:crypto'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { show, spread, type Spread } from './stats.ts'

/** How busy the machine was, and how much one fixed piece of work varied. */
export interface Noise {
  load: number
  cores: number
  /** Milliseconds of wall time of the same work, again and again. */
  calibration: Spread
  /** Milliseconds a 1 ms timer came late. */
  timer: Spread
}

const ROUNDS = 15
const BLOCK = new Uint8Array(8 * 2 ** 20)

/** Measures the noise of this machine: the same hash over 8 MiB, and how late timers come. */
export async function measureNoise(): Promise<Noise> {
  const work: number[] = []
  const late: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    createHash('sha256').update(BLOCK).digest()
    const worked = performance.now()
    await new Promise((done) => setTimeout(done, 1))
    late.push(performance.now() - worked - 1)
    work.push(worked - start)
  }
  return {
    load: loadavg()[0]!,
    cores: availableParallelism(),
    calibration: spread(work),
    timer: spread(late),
  }
}

/** The noise in one line. */
export function describeNoise(when: string, { load, cores, calibration, timer }: Noise): string {
  const stretch = (calibration.max / calibration.min).toFixed(1)
  return (
    `noise ${when}: load ${load.toFixed(1)} on ${cores} cores (${cpus()[0]?.model.trim() ?? 'unknown processor'}); ` +
    `fixed work ${show(calibration, 'ms', 1)} (x${stretch}); timers late by ${show(timer, 'ms', 1)}` +
    (load > cores ? '; the machine is OVERLOADED: wall times are upper bounds' : '')
  )
}
