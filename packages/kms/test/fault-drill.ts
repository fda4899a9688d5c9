import { expect } from 'vitest'
import { kmsError } from '../src/errors.ts'
import { type Fault, MemoryStore } from './store/memory.ts'
import type { World } from './world.ts'

/** What happens after an error: the same process tries again, or a new one starts. */
export type Recovery = 'same-process' | 'reboot'

const MAX_ATTEMPTS = 4
const RECOVERIES: readonly Recovery[] = ['same-process', 'reboot']
/** What happens to the two writes that break in one life; each write meets both. */
const FAULTS: readonly [Fault, Fault][] = [
  ['not-persisted', 'reported-failed'],
  ['reported-failed', 'not-persisted'],
]

/** A write that is found again in a life in which another one broke before it: the nth of a step that is first tried. */
type Place = `step ${number}, write ${number}`

/** A life of a KMS whose store and log break on demand; each step of it may be tried again. */
export abstract class FaultDrill<Own extends World = World> {
  readonly world: Own
  readonly store = new MemoryStore()
  readonly recovery: Recovery
  failures = 0
  /** Steps begun so far. */
  steps = 0
  /** Whether a step is under way that has not failed yet. */
  isFirstTry = false
  private depth = 0

  constructor(recovery: Recovery, world: Own) {
    this.recovery = recovery
    this.world = world
    this.world.store = this.store
    this.store.error = () => kmsError('KMS_STORE_FAILED', 'injected')
  }

  abstract run(): Promise<void>

  /** What must hold whatever went wrong on the way. */
  abstract verify(): Promise<void>

  async step(work: () => Promise<unknown>): Promise<void> {
    if (this.depth++ === 0) {
      this.steps++
      this.isFirstTry = true
    }
    try {
      await this.attempt(work)
    } finally {
      this.depth--
    }
  }

  private async attempt(work: () => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await work()
        return
      } catch (error) {
        this.failures++
        this.isFirstTry = false
        if (attempt === MAX_ATTEMPTS || (error as { action?: string }).action !== 'retry') throw error
        if (this.recovery === 'reboot' && this.world.kms !== undefined)
          await this.step(() => this.world.start())
      }
    }
  }

  /** Breaks the writes of these places, and tells every place that there was. */
  breakAt(write: Write, faults: ReadonlyMap<Place, Fault> = new Map()): Place[] {
    const places: Place[] = []
    let step = 0
    let nth = 0
    const fault = (): Fault | undefined => {
      if (!this.isFirstTry) return undefined
      if (step !== this.steps) [step, nth] = [this.steps, 0]
      const place: Place = `step ${step}, write ${nth++}`
      places.push(place)
      return faults.get(place)
    }
    if (write === 'commit') this.store.fault = fault
    else this.world.log.appendFault = fault
    return places
  }
}

/** What breaks: one commit of the store, or one append to the log. */
export type Write = 'commit' | 'append'

/** How lives are disturbed. */
export interface Drill<Life> {
  begin(recovery: Recovery): Life
  write: Write
  /** The first that breaks: those before it are of every life, and broken elsewhere. Default 0. */
  from?: number
  /** An undisturbed life has at least so many of them, so that it is known to do what it is for. */
  atLeast?: number
  /** How often a write that broke has to be tried again. Default: exactly once. */
  failures?: 'once' | 'at-most-once'
}

/**
 * Lives one life undisturbed, and then others in which its writes break: two in each, half a life apart, so that each
 * is lost once and once is kept but reported as failed, one of them with a reboot. With SLOW=1 both with and without.
 * What a life does and what holds after it are its own business.
 */
export async function disturb<Life extends FaultDrill>(drill: Drill<Life>): Promise<void> {
  const { begin, write, from = 0, atLeast = 0, failures = 'once' } = drill
  const first = begin('same-process')
  const all = first.breakAt(write)
  await first.run()
  await first.verify()
  expect(first.failures, 'without a fault nothing has to be tried again').toBe(0)
  expect(all.length).toBeGreaterThan(from + atLeast)
  const places = all.slice(from)
  const half = Math.ceil(places.length / 2)
  for (let n = 0; n < half; n++) {
    const pair = [n, n + half].flatMap((at) => places[at] ?? [])
    for (const [order, faults] of FAULTS.entries()) {
      const recoveries = process.env['SLOW'] === '1' ? RECOVERIES : [RECOVERIES[(n + order) % 2]!]
      for (const recovery of recoveries) {
        const life = begin(recovery)
        const met = life.breakAt(write, new Map(pair.map((place, m) => [place, faults[m]!])))
        await life.run()
        await life.verify()
        const name = `${write}: ${pair.join(' and ')}, ${faults.join(' and ')}, ${recovery}`
        expect(met, name).toEqual(expect.arrayContaining(pair))
        if (failures === 'once') expect(life.failures, name).toBe(pair.length)
        else expect(life.failures, name).toBeLessThanOrEqual(pair.length)
      }
    }
  }
}
