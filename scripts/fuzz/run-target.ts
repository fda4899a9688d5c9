import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KEPT } from './kept.ts'
import { makeInput } from './make-input.ts'
import { loadTarget } from './targets.ts'
import { type Finding, MAX_BATCH, type Order, type Progress } from './order.ts'

/** Silence after which a process hangs: it reports after each batch, several times a second. */
export const HANG_MS = 5_000
/** Until seeds are read. */
const START_MS = 60_000
/** Ends a process whose objects alone take more than what its seeds need and one input may take. */
const HEAP_MEGABYTES = 160
/** Little garbage, so that what one input takes shows in the memory of the process. */
const YOUNG_MEGABYTES = 4
const MAX_ENDED = 3

/** A finding with its input, which is written to a file. */
export interface KeptFinding extends Finding {
  seed: number
  file: string
}

/** How one target went. */
export interface Outcome {
  target: string
  inputs: number
  seconds: number
  largestMegabytes: number
  slowestMs: number
  slowestIndex: number
  findings: KeptFinding[]
  /** Why nothing was read. */
  skipped?: string
}

/**
 * Runs targets, one after the other, in a process of its own: one that hangs or dies is replaced, and goes on
 * behind the input that it was at.
 */
export class TargetRunner {
  readonly #hangMs: number
  #child: ChildProcess | undefined

  constructor(hangMs = HANG_MS) {
    this.#hangMs = hangMs
  }

  async run(order: Order, onProgress: (outcome: Outcome) => void): Promise<Outcome> {
    const outcome: Outcome = {
      target: order.target,
      inputs: 0,
      seconds: 0,
      largestMegabytes: 0,
      slowestMs: 0,
      slowestIndex: order.from,
      findings: [],
    }
    const kept = KEPT.filter(({ target }) => target === order.target)
    for (const { seed, index } of kept)
      await this.#runRange({ ...order, seed, from: index, to: index + 1 }, outcome, () => {})
    await this.#runRange(order, outcome, onProgress)
    if (outcome.findings.length > 0) await keepInputs(outcome, order)
    return outcome
  }

  close(): void {
    this.#child?.disconnect()
    this.#child = undefined
  }

  async #runRange(order: Order, outcome: Outcome, onProgress: (outcome: Outcome) => void): Promise<void> {
    const [inputsBefore, secondsBefore] = [outcome.inputs, outcome.seconds]
    let { from } = order
    for (let found = 0; found < MAX_ENDED;) {
      const begun = outcome.seconds
      const seconds = order.seconds - (begun - secondsBefore)
      const end = await this.#runProcess({ ...order, from, seconds }, (progress) => {
        outcome.inputs = inputsBefore + progress.next - order.from
        outcome.seconds = begun + progress.seconds
        add(outcome, order.seed, progress)
        onProgress(outcome)
      })
      if (end === undefined) return
      const first = order.from + outcome.inputs - inputsBefore
      const to = Math.min(order.to, first + MAX_BATCH)
      const finding = await locate({ ...order, from: first, to }, this.#hangMs)
      // Many inputs that take little are only garbage; but a process that ended or hung did so for a reason.
      if (finding !== undefined || end.kind !== 'memory' || end.what !== SWOLLEN) {
        found++
        const known = finding ?? {
          ...end,
          index: first,
          what: `${end.what}; not again, in ${MAX_BATCH} inputs from here`,
        }
        outcome.findings.push({ ...known, seed: order.seed, file: '' })
      }
      from = finding === undefined ? to : finding.index + 1
      outcome.inputs = inputsBefore + from - order.from
      if (from >= order.to) return
    }
  }

  /** Why the process ended before its work did; undefined when it did all of it. */
  #runProcess(order: Order, onProgress: (progress: Progress) => void): Promise<End | undefined> {
    const child = (this.#child ??= start())
    child.send(order)
    return new Promise((resolve) => {
      let timer = setTimeout(() => fail(HANG), START_MS)
      const finish = (end?: End): void => {
        clearTimeout(timer)
        child.off('message', listen).off('exit', die)
        resolve(end)
      }
      const fail = (end: End): void => {
        this.#child = undefined
        child.kill('SIGKILL')
        finish(end)
      }
      const listen = (progress: Progress): void => {
        onProgress(progress)
        if (progress.isSwollen) return fail({ kind: 'memory', what: SWOLLEN })
        if (progress.isDone) return finish()
        clearTimeout(timer)
        timer = setTimeout(() => fail(HANG), this.#hangMs)
      }
      const die = (code: number | null, signal: string | null): void => fail(death(code, signal))
      child.on('message', listen).once('exit', die)
    })
  }
}

type End = Pick<Finding, 'kind' | 'what'>
const SWOLLEN = 'a batch takes too much memory'
const HANG: End = { kind: 'hang', what: 'it does not end' }

function death(code: number | null, signal: string | null): End {
  return signal === 'SIGABRT'
    ? { kind: 'memory', what: `out of memory: the heap may have ${HEAP_MEGABYTES} MB` }
    : { kind: 'crash', what: `the process ended: ${signal ?? code}` }
}

function add(outcome: Outcome, seed: number, progress: Progress): void {
  if (progress.seeds === 0) outcome.skipped = 'no real evidence to start from (SOTTO_VECTORS)'
  outcome.largestMegabytes = Math.max(outcome.largestMegabytes, progress.largestMegabytes)
  if (progress.slowestMs > outcome.slowestMs)
    [outcome.slowestMs, outcome.slowestIndex] = [progress.slowestMs, progress.slowestIndex]
  outcome.findings.push(...progress.findings.map((finding) => ({ ...finding, seed, file: '' })))
}

/** Reads a batch again in a fresh process that says which input it is at. Undefined when nothing happens now. */
async function locate(order: Order, hangMs: number): Promise<Finding | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-fuzz-'))
  const trace = join(folder, 'at')
  writeFileSync(trace, '')
  const at = (): number => Number.parseInt(readFileSync(trace, 'utf8'), 10)
  const child = start()
  child.send({ ...order, trace, seconds: Infinity })
  let watch: NodeJS.Timeout | undefined
  try {
    return await new Promise<Finding | undefined>((resolve) => {
      let [last, since] = [NaN, performance.now()]
      watch = setInterval(() => {
        const now = at()
        if (!Object.is(now, last)) [last, since] = [now, performance.now()]
        else if (performance.now() - since > (Number.isNaN(now) ? START_MS : hangMs))
          resolve(Number.isNaN(now) ? undefined : { ...HANG, index: now })
      }, 200)
      child.on('message', ({ findings, isDone }: Progress) => {
        const memory = findings.find(({ kind }) => kind === 'memory')
        if (memory !== undefined || isDone) resolve(memory)
      })
      child.once('exit', (code, signal) => {
        if (existsSync(trace)) resolve({ ...death(code, signal), index: at() })
      })
    })
  } finally {
    clearInterval(watch)
    child.removeAllListeners('message')
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

function start(): ChildProcess {
  const child = fork(new URL('worker.ts', import.meta.url), [], {
    execArgv: [
      '--expose-gc',
      `--max-old-space-size=${HEAP_MEGABYTES}`,
      `--max-semi-space-size=${YOUNG_MEGABYTES}`,
    ],
    // What a dying engine prints is no result.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  // One that hangs would outlive this process.
  const end = (): void => void child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  return child
}

async function keepInputs(outcome: Outcome, { target: name, module }: Order): Promise<void> {
  const folder = join(tmpdir(), 'sotto-fuzz')
  mkdirSync(folder, { recursive: true })
  const target = await loadTarget(name, module)
  for (const finding of outcome.findings) {
    const file = `${name.replaceAll(/[^a-z0-9]+/g, '-')}-${finding.seed}-${finding.index}.bin`
    finding.file = join(folder, file)
    writeFileSync(finding.file, makeInput(target, finding.seed, finding.index).input)
  }
}
