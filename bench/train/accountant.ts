import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { privacyCost, renyiEpsilon } from '@sotto/protocol/privacy'
import { median } from '../support/stats.ts'

/** Processor time of one bound, in milliseconds: a KMS computes one for each contract. */
export const ACCOUNTANT_GOAL_MS = 500

/** How long a bound takes, and how much it is over what is proven from below. */
export interface Accounting {
  readonly milliseconds: number
  readonly renyiMilliseconds: number
  /** Of rows whose bounds are tight: epsilon over its lower bound, middle and largest. */
  readonly tightness?: { readonly median: number; readonly most: number; readonly rows: number }
  /** Epsilon by Rényi divergence over ours, middle of the same rows. */
  readonly renyi?: number
}

const PLANS = [
  { rate: 256 / 32_561, noise: 0.8, steps: 1200 },
  { rate: 0.01, noise: 1.1, steps: 10_000 },
  { rate: 0.001, noise: 0.7, steps: 2000 },
]
const DELTA = 1e-5
/** Rows of the table that are looked at. */
const EVERY = 4

/** Times both accountants, and compares them with a table of bounds where one is there. */
export function measureAccountant(say: (line: string) => void): Accounting {
  const milliseconds = median(PLANS.map((plan) => cpu(() => privacyCost([plan], DELTA))))
  const renyiMilliseconds = median(PLANS.map((plan) => cpu(() => renyiEpsilon([plan], DELTA))))
  say(
    `accountant: ${milliseconds.toFixed(0)} ms of CPU for a plan, gate ${ACCOUNTANT_GOAL_MS} ms ` +
      `${milliseconds <= ACCOUNTANT_GOAL_MS ? 'holds' : 'MISSED'}; by Rényi divergence ${renyiMilliseconds.toFixed(1)} ms`,
  )
  const rows = boundsOf(say)
  if (rows === undefined) return { milliseconds, renyiMilliseconds }
  const over: number[] = []
  const renyi: number[] = []
  for (const { plan, delta, low } of rows) {
    const { epsilon } = privacyCost([plan], delta)
    over.push(epsilon / low)
    renyi.push(renyiEpsilon([plan], delta).epsilon / epsilon)
  }
  const tightness = { median: median(over), most: Math.max(...over), rows: rows.length }
  say(
    `  over a lower bound by ${percent(tightness.median)} (middle of ${rows.length} plans, most ${percent(tightness.most)}); ` +
      `Rényi divergence is ${percent(median(renyi))} over ours`,
  )
  return { milliseconds, renyiMilliseconds, tightness, renyi: median(renyi) }
}

function boundsOf(
  say: (line: string) => void,
): { plan: (typeof PLANS)[number]; delta: number; low: number }[] | undefined {
  const folder = process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../shared/vectors')
  const file = resolve(folder, 'training/dp_epsilon.csv')
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    say(`  no ${file}: nothing is said of how tight it is; SOTTO_VECTORS names the folder`)
    return undefined
  }
  const [head, ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.split(','))
  const cell = (line: readonly string[], name: string): number => Number(line[head!.indexOf(name)])
  return lines
    .filter((line) => cell(line, 'tight') === 1 && cell(line, 'eps_pld_lo') > 0.01 && cell(line, 'q') < 1)
    .filter((_, at) => at % EVERY === 0)
    .map((line) => ({
      plan: { rate: cell(line, 'q'), noise: cell(line, 'sigma'), steps: cell(line, 'steps') },
      delta: cell(line, 'delta'),
      low: cell(line, 'eps_pld_lo'),
    }))
}

function cpu(work: () => unknown): number {
  work()
  const start = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

function percent(ratio: number): string {
  return `${((ratio - 1) * 100).toFixed(3)} %`
}
