import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { mutate } from './mutate.ts'
import { Random } from './random.ts'
import { loadTarget } from './targets.ts'

/** What the process that fuzzes says of itself. */
export interface Progress {
  inputs: number
  heldMegabytes: number
  failure?: string
  isDone?: boolean
}

/** What it is told. */
interface Order {
  target: string
  seed: number
  seconds?: number
  runs?: number
}

const REPORT_MS = 200
const MEASURE_EVERY = 8192
const MAX_HELD_MEGABYTES = 64

process.once('message', (order: Order) => {
  fuzz(order)
  process.disconnect()
})

function fuzz({ target, seed, seconds, runs = Infinity }: Order): void {
  const { seeds, run } = loadTarget(target)
  const random = new Random(seed)
  const start = held()
  const end = seconds === undefined ? Infinity : performance.now() + seconds * 1000
  let heldMegabytes = 0
  let inputs = 0
  let reported = performance.now()
  const report = (more: Partial<Progress> = {}): void =>
    void process.send!({ inputs, heldMegabytes, ...more })
  report()
  for (; inputs < runs && performance.now() < end; inputs++) {
    const index = random.below(seeds.length)
    const input = mutate(seeds[index]!, random, seeds)
    try {
      run(input, index)
    } catch (error) {
      return report({ failure: `${describe(error)}; input kept in ${keep(target, input)}; --seed ${seed}` })
    }
    // By the clock: one input of a slow verifier must not look like a hang.
    if (performance.now() - reported > REPORT_MS) {
      reported = performance.now()
      report()
    }
    if (inputs % MEASURE_EVERY === MEASURE_EVERY - 1) {
      heldMegabytes = Math.max(heldMegabytes, held() - start)
      if (heldMegabytes > MAX_HELD_MEGABYTES)
        return report({
          failure: `holds ${heldMegabytes.toFixed(0)} MB after ${inputs} inputs; --seed ${seed}`,
        })
    }
  }
  heldMegabytes = Math.max(heldMegabytes, held() - start)
  report({ isDone: true })
}

function held(): number {
  // The first one only marks buffers outside the heap as free; the second waits until they are.
  globalThis.gc!()
  globalThis.gc!()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 2 ** 20
}

function keep(target: string, input: Uint8Array): string {
  const folder = join(tmpdir(), 'sotto-fuzz')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${target.replaceAll('/', '-')}-${Date.now()}.bin`)
  writeFileSync(file, input)
  return file
}

function describe(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message} ${error.stack?.split('\n')[1]?.trim() ?? ''}`
    : String(error)
}
