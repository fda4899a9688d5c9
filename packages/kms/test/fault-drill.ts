import { expect } from 'vitest'
import { kmsError } from '../src/errors.ts'
import { type Fault, MemoryStore } from './store/memory.ts'
import type { World } from './world.ts'

/** What happens after an error: the same process tries again, or a new one starts. */
export type Recovery = 'same-process' | 'reboot'

const MAX_ATTEMPTS = 4
const COMBINATIONS: [Fault, Recovery][] = [
  ['reported-failed', 'same-process'],
  ['not-persisted', 'same-process'],
  ['not-persisted', 'reboot'],
  ['reported-failed', 'reboot'],
]

/** Every combination at every write with SLOW=1; otherwise one of them, in turn. */
const combinationsFor = (n: number): [Fault, Recovery][] =>
  process.env['SLOW'] === '1' ? COMBINATIONS : [COMBINATIONS[n % COMBINATIONS.length]!]

/** A life of a KMS whose store and log break on demand; each step of it may be tried again. */
export abstract class FaultDrill<Own extends World = World> {
  readonly world: Own
  readonly store = new MemoryStore()
  readonly recovery: Recovery
  failures = 0

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
    for (let attempt = 1; ; attempt++) {
      try {
        await work()
        return
      } catch (error) {
        this.failures++
        if (attempt === MAX_ATTEMPTS || (error as { action?: string }).action !== 'retry') throw error
        if (this.recovery === 'reboot' && this.world.kms !== undefined)
          await this.step(() => this.world.start())
      }
    }
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
  /** What a write that broke may have to be tried again. Default: exactly once. */
  failures?: 'one' | 'at-most-one'
}

/**
 * Lives one life undisturbed, and then one for each of its writes, with that write broken. What each does and what holds
 * after it are its own business.
 */
export async function disturb<Life extends FaultDrill>(drill: Drill<Life>): Promise<void> {
  const { begin, write, from = 0, atLeast = 0, failures = 'one' } = drill
  const first = begin('same-process')
  await first.run()
  await first.verify()
  expect(first.failures, 'without a fault nothing has to be tried again').toBe(0)
  const count = write === 'commit' ? first.store.commits : first.world.log.appends
  expect(count).toBeGreaterThan(from + atLeast)
  for (let n = from; n < count; n++) {
    for (const [fault, recovery] of combinationsFor(n)) {
      const life = begin(recovery)
      const breaks = (call: number): Fault | undefined => (call === n ? fault : undefined)
      if (write === 'commit') life.store.fault = breaks
      else life.world.log.appendFault = breaks
      await life.run()
      await life.verify()
      const name = `${write} ${n} ${fault} ${recovery}`
      if (failures === 'one') expect(life.failures, name).toBe(1)
      else expect(life.failures, name).toBeLessThanOrEqual(1)
    }
  }
}
