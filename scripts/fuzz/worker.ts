import { closeSync, openSync, writeSync } from 'node:fs'
import { collect, heldMegabytes, MAX_MEGABYTES, measurePeak, residentBytes } from './memory.ts'
import { makeInput } from './make-input.ts'
import { type Finding, MAX_BATCH, type Order, type Progress } from './order.ts'
import { Random } from './random.ts'
import { loadTarget, type LoadedTarget } from './targets.ts'

/** A batch costs a measurement and a report; what hangs or swells is looked for in one batch again. */
const BATCH_MS = 100
const HELD_EVERY = 100
const GARBAGE_BYTES = 8 * 2 ** 20
/** Distinct crashes after which a target is broken enough. */
const MAX_FINDINGS = 8
const STACK_FRAMES = 10

process.on('message', (order: Order) => {
  void loadTarget(order.target, order.module).then((target) => new Fuzzer(order, target).run())
})

class Fuzzer {
  readonly #order: Order
  readonly #target: LoadedTarget
  readonly #random = new Random(0)
  readonly #known = new Set<string>()
  readonly #trace: number | undefined
  #floor = 0
  #isSwollen = false
  #reported = 0
  #largestMegabytes = 0
  #started = 0
  #slowestMs = 0
  #slowestIndex = 0
  #findings: Finding[] = []

  constructor(order: Order, target: LoadedTarget) {
    this.#order = order
    this.#target = target
    this.#trace = order.trace === undefined ? undefined : openSync(order.trace, 'w')
  }

  run(): void {
    const { from, to, seconds } = this.#order
    // Errors are made for most inputs; where they come from is asked again for those that count.
    Error.stackTraceLimit = 0
    const start = heldMegabytes()
    this.#started = performance.now()
    const end = this.#started + seconds * 1000
    let next = from
    this.#floor = residentBytes()
    this.#report(next, false)
    for (let batch = 1; next < to && this.#target.seeds.length > 0; batch++) {
      const first = next
      next = this.#trace === undefined ? this.#batch(next) : this.#alone(next)
      if (this.#isSwollen) return this.#report(first, false)
      if (batch % HELD_EVERY === 0 && this.#trace === undefined) this.#requireReleased(start, next)
      if (performance.now() > end || this.#known.size >= MAX_FINDINGS) break
      if (performance.now() > this.#reported + BATCH_MS) this.#report(next, false)
    }
    this.#requireReleased(start, next)
    Error.stackTraceLimit = STACK_FRAMES
    if (this.#trace !== undefined) closeSync(this.#trace)
    this.#report(next, true)
  }

  #batch(first: number): number {
    let next = first
    const limit = Math.min(this.#order.to, first + MAX_BATCH)
    const end = performance.now() + BATCH_MS
    // Beyond what the process had at its lowest: memory that one batch took and freed serves the next unseen.
    this.#floor = Math.min(this.#floor, residentBytes())
    const megabytes = measurePeak(this.#floor, () => {
      do this.#one(next++)
      while (next < limit && performance.now() < end)
    })
    this.#largestMegabytes = Math.max(this.#largestMegabytes, megabytes)
    this.#isSwollen = megabytes > MAX_MEGABYTES
    return next
  }

  /** One input as a batch of its own, without the garbage of those before. */
  #alone(index: number): number {
    writeSync(this.#trace!, `${index}\n`, 0)
    let before = residentBytes()
    if (before > this.#floor + GARBAGE_BYTES) {
      collect()
      this.#floor = before = residentBytes()
    }
    const megabytes = measurePeak(before, () => this.#one(index))
    this.#isSwollen = megabytes > MAX_MEGABYTES
    if (this.#isSwollen) this.#find('memory', index, `takes ${megabytes.toFixed(0)} MB`)
    return index + 1
  }

  #one(index: number): void {
    const { input, seed } = makeInput(this.#target, this.#order.seed, index, this.#random)
    const start = performance.now()
    const crash = this.#target.run(input, seed)
    const ms = performance.now() - start
    if (ms > this.#slowestMs) this.#timeAgain(input, seed, ms, index)
    if (crash === undefined) return
    Error.stackTraceLimit = STACK_FRAMES
    this.#find('crash', index, this.#target.run(input, seed) ?? `not again: ${crash}`)
    Error.stackTraceLimit = 0
  }

  /** A process that had to wait is no slow input: the faster of two times counts. */
  #timeAgain(input: Uint8Array, seed: number, first: number, index: number): void {
    const start = performance.now()
    this.#target.run(input, seed)
    const ms = Math.min(first, performance.now() - start)
    if (ms > this.#slowestMs) [this.#slowestMs, this.#slowestIndex] = [ms, index]
  }

  #requireReleased(start: number, next: number): void {
    const held = heldMegabytes() - start
    if (held > MAX_MEGABYTES) this.#find('memory', next, `${held.toFixed(0)} MB are not given back`)
  }

  #find(kind: Finding['kind'], index: number, what: string): void {
    const name = `${kind} ${what.replaceAll(/\d+/g, '#')}`
    if (this.#known.has(name)) return
    this.#known.add(name)
    this.#findings.push({ kind, index, what })
  }

  #report(next: number, isDone: boolean): void {
    const progress: Progress = {
      next,
      seconds: (performance.now() - this.#started) / 1000,
      seeds: this.#target.seeds.length,
      largestMegabytes: this.#largestMegabytes,
      slowestMs: this.#slowestMs,
      slowestIndex: this.#slowestIndex,
      findings: this.#findings,
      isSwollen: this.#isSwollen,
      isDone,
    }
    this.#reported = performance.now()
    process.send!(progress)
    this.#findings = []
  }
}
