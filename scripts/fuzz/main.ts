import { constants } from 'node:os'
import { parseArgs } from 'node:util'
import { HANG_MS, type Outcome, TargetRunner } from './run-target.ts'
import { targets as all } from './all-targets.ts'
import { MAX_MEGABYTES } from './memory.ts'

/** A verifier reads one input where a parser reads so many: it checks signatures. */
const VERIFIER_SHARE = 100
const PROGRESS_MS = 10_000
const HEADINGS = `${'target'.padEnd(30)}    inputs  inputs/s  most MB  slowest ms`

const USAGE = `Usage: npm run fuzz -- [options]

Gives every parser and every verifier of evidence random and structure-aware mutations of valid inputs. A crash (an
error that is none of ours, or one hidden behind one of ours, or a verdict that cannot be), a hang (${HANG_MS / 1000} s) or memory
(${MAX_MEGABYTES} MB for one input, or held after all) is a finding: its input is written to a file, and a seed with a number
makes it again.

Options:
  --inputs <n>     inputs for each parser; verifiers read a ${VERIFIER_SHARE}th of them
  --seconds <n>    most time for each target (default 10 without --inputs, else no limit)
  --target <name>  only this target, or those whose name contains it
  --seed <n>       seed of all inputs (default: from the clock)
  --from <n>       number of the first input (default 0)
  --jobs <n>       targets at the same time (default 1)
  --json           print one JSON document
  --list           print the names of all targets
  --help           print this text`

const { values } = parseArgs({
  options: {
    inputs: { type: 'string' },
    seconds: { type: 'string' },
    target: { type: 'string', default: '' },
    seed: { type: 'string' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

// With the processes that it started.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]))

process.exitCode = await main()

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  if (values.list) {
    for (const { name } of all) console.log(name)
    return 0
  }
  const exact = all.filter(({ name }) => name === values.target)
  const targets = exact.length > 0 ? exact : all.filter(({ name }) => name.includes(values.target))
  const seed = numberOf('seed', values.seed ?? `${Date.now() % 2 ** 31}`)
  const from = numberOf('from', values.from)
  const inputs = values.inputs === undefined ? Infinity : numberOf('inputs', values.inputs)
  const seconds = numberOf('seconds', values.seconds ?? (values.inputs === undefined ? '10' : '1e9'))
  const jobs = numberOf('jobs', values.jobs)
  if (targets.length === 0 || [seed, from, inputs, seconds, jobs].some(Number.isNaN)) {
    console.error('hint: npm run fuzz -- --help, or --list for the names of targets')
    return 2
  }
  const outcomes: Outcome[] = []
  const waiting = targets.values()
  const work = async (): Promise<void> => {
    const runner = new TargetRunner()
    for (const { name, isVerifier } of waiting) {
      const share = isVerifier && targets.length > 1 ? VERIFIER_SHARE : 1
      const to = from + Math.ceil(inputs / share)
      const outcome = await runner.run({ target: name, seed, from, to, seconds }, progressOf(to - from))
      outcomes.push(outcome)
      if (!values.json) print(outcome)
    }
    runner.close()
  }
  if (!values.json) console.log(`seed ${seed}\n${HEADINGS}`)
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, work))
  return summarise(outcomes, seed)
}

function summarise(outcomes: readonly Outcome[], seed: number): number {
  const skipped = outcomes.filter((outcome) => outcome.skipped !== undefined)
  // Where everything must run, nothing to start from is a failure.
  const isFailed = ({ findings, skipped: why }: Outcome): boolean =>
    findings.length > 0 || (why !== undefined && process.env['CI'] !== undefined)
  const failed = outcomes.filter(isFailed)
  const inputs = outcomes.reduce((sum, outcome) => sum + outcome.inputs, 0)
  if (values.json)
    console.log(JSON.stringify({ passed: failed.length === 0, seed, inputs, targets: outcomes }, null, 1))
  else
    console.log(
      `${inputs} inputs, ${failed.length} of ${outcomes.length} targets failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
    )
  return failed.length === 0 ? 0 : 1
}

function print(outcome: Outcome): void {
  const { target, inputs, seconds, largestMegabytes, slowestMs, slowestIndex, findings, skipped } = outcome
  const columns = [
    target.padEnd(30),
    String(inputs).padStart(9),
    (inputs / Math.max(seconds, 0.001)).toFixed(0).padStart(9),
    largestMegabytes.toFixed(1).padStart(8),
    `${slowestMs.toFixed(1).padStart(11)} (input ${slowestIndex})`,
  ]
  console.log(skipped === undefined ? columns.join(' ') : `${target.padEnd(30)} skipped: ${skipped}`)
  for (const { kind, what, seed, index, file } of findings)
    console.log(
      `  FOUND ${kind}: ${what}\n    ${file}\n    npm run fuzz -- --target '${target}' --seed ${seed} --from ${index} --inputs 1`,
    )
}

/** Says on standard error how far a target is, now and then. */
function progressOf(total: number): (outcome: Outcome) => void {
  let next = performance.now() + PROGRESS_MS
  return ({ target, inputs, seconds }) => {
    if (performance.now() < next) return
    next = performance.now() + PROGRESS_MS
    const of = Number.isFinite(total) ? ` of ${total}` : ''
    console.error(`${target}: ${inputs}${of} inputs, ${(inputs / seconds).toFixed(0)} a second`)
  }
}

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value >= 0) return value
  console.error(`error: --${name} is no number`)
  return NaN
}
