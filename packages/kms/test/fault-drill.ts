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
export const combinationsFor = (n: number): [Fault, Recovery][] =>
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
