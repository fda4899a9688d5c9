import {
  gaussianEpsilon,
  leastOfOrders,
  privacyCost,
  renyiEpsilon,
  renyiOfStep,
} from '@sotto/protocol/privacy'
import type { VectorCase, VectorFamily, VectorFile, VectorOutcome } from './harness.ts'

/** Of figures that others computed in doubles, and of ours. */
const ROUNDING = 1e-9
/** Upper bounds of the vectors are what the same method gives on a grid of theirs: ours has to be finer. */
const POINTS = { fine: 2 ** 21, coarse: 2 ** 19 }

type Row = Readonly<Record<string, string>>

/** Tables of accountants, told apart by their first line. What else lies in the folder is data, and signatures of models. */
export const privacy: VectorFamily = {
  folder: 'training',
  isOptional: true,
  isGrouped: true,
  isArithmetic: true,
  *cases(files) {
    for (const file of files) {
      if (!file.name.endsWith('.csv')) continue
      const check = TABLES.find(({ columns }) => columns.every((column) => headerOf(file).includes(column)))
      if (check !== undefined) yield* casesOf(file, check.run)
    }
  },
}

const TABLES: readonly { columns: readonly string[]; run: (row: Row) => VectorOutcome }[] = [
  { columns: ['q', 'sigma', 'steps', 'delta', 'eps_pld_lo', 'eps_pld_hi'], run: checkBracket },
  { columns: ['q', 'sigma', 'alpha', 'rdp_one_step'], run: checkOrder },
  { columns: ['sigma', 'delta', 'epsilon_exact'], run: checkGaussian },
  { columns: ['source', 'accountant', 'epsilon'], run: checkPublished },
]

function headerOf({ text }: VectorFile): string[] {
  return text.slice(0, text.indexOf('\n')).trim().split(',')
}

function* casesOf(file: VectorFile, run: (row: Row) => VectorOutcome): Iterable<VectorCase> {
  const header = headerOf(file)
  for (const line of file.text.trim().split('\n').slice(1)) {
    const fields = line.trim().split(',')
    const row = Object.fromEntries(header.map((column, at) => [column, fields[at] ?? '']))
    yield { file: file.name, name: line.slice(0, 80), run: () => run(row) }
  }
}

/** A valid bound is not under what is surely lost; a tight one not over what surely suffices. */
function checkBracket(row: Row): void {
  const phases = [phaseOf(row)]
  const [delta, low, high] = [
    numberOf(row, 'delta'),
    numberOf(row, 'eps_pld_lo'),
    numberOf(row, 'eps_pld_hi'),
  ]
  const { epsilon } = privacyCost(phases, delta, isCoarse(row) ? POINTS.coarse : POINTS.fine)
  atLeast('epsilon', epsilon, low)
  if (row['tight'] === '1') atMost('epsilon', epsilon, high)
  const renyi = renyiEpsilon(phases, delta).epsilon
  atLeast('epsilon by Rényi', renyi, low)
  atLeast('epsilon by Rényi, which is not the smallest', renyi, epsilon)
  for (const column of ['eps_rdp_opacus', 'eps_rdp_dpaccounting'])
    atMost(`epsilon by Rényi, of ${column}`, renyi, numberOf(row, column) * (1 + 1e-6))
}

/** Whether a grid of theirs is wider than a coarse one of ours, of one step and of all of them. */
function isCoarse(row: Row): boolean {
  const interval = numberOf(row, 'pld_interval')
  return interval > 2e-5 && interval * POINTS.coarse > 8 * numberOf(row, 'eps_pld_hi')
}

function checkOrder(row: Row): void {
  const found = renyiOfStep(numberOf(row, 'q'), numberOf(row, 'sigma'), numberOf(row, 'alpha'))
  near('the divergence', found, numberOf(row, 'rdp_one_step'), ROUNDING)
}

function checkGaussian(row: Row): void {
  const found = gaussianEpsilon(numberOf(row, 'sigma'), numberOf(row, 'delta'))
  near('epsilon', found, numberOf(row, 'epsilon_exact'), ROUNDING)
}

/** Figures that libraries print in their tests and manuals. */
function checkPublished(row: Row): VectorOutcome {
  const accountant = row['accountant']!
  const target = accountant.startsWith('rdp:get_noise') || accountant.startsWith('prv:get_noise')
  if (accountant.startsWith('pure DP')) {
    const found = leastOfOrders(
      () => 1.1,
      numberOf(row, 'delta'),
      Array.from({ length: 31 }, (_, at) => at + 2),
    )
    return near('epsilon', found.epsilon, numberOf(row, 'epsilon'), 1e-8)
  }
  // A mechanism that is not here.
  if (row['sigma'] === '') return 'by design'
  const phases = [phaseOf(row)]
  const delta = numberOf(row, 'delta')
  const renyi = renyiEpsilon(phases, delta).epsilon
  const { epsilon } = privacyCost(phases, delta)
  if (target) {
    const found = accountant.startsWith('rdp') ? renyi : epsilon
    atMost('epsilon', found, numberOf(row, 'epsilon'))
    return atLeast('epsilon', found, numberOf(row, 'epsilon') - 0.02)
  }
  if (accountant === 'analytic gaussian')
    return near('epsilon by Rényi', renyi, numberOf(row, 'epsilon'), 1e-5)
  if (accountant === 'prv') return atMost('epsilon', epsilon, numberOf(row, 'epsilon'))
  if (accountant === 'rdp' || accountant.startsWith('rdp (optimal'))
    return near('epsilon by Rényi', renyi, numberOf(row, 'epsilon'), 1e-8)
  // An approximation that is no bound: less than what is surely lost.
  if (accountant === 'gdp') atLeast('epsilon', epsilon, 6.6)
  // What an older conversion gave, as it is or beside an accuracy: more than is lost.
  else atMost('epsilon', epsilon, numberOf(row, 'epsilon'))
  return 'by design'
}

function phaseOf(row: Row): { rate: number; noise: number; steps: number } {
  return { rate: numberOf(row, 'q'), noise: numberOf(row, 'sigma'), steps: numberOf(row, 'steps') }
}

function numberOf(row: Row, column: string): number {
  const value = Number(row[column])
  if (row[column] === '' || !Number.isFinite(value)) throw new Error(`${column} is no number: ${row[column]}`)
  return value
}

function near(what: string, found: number, expected: number, relative: number): void {
  if (!(Math.abs(found - expected) <= relative * Math.abs(expected)))
    throw new Error(`${what} is ${found}; expected ${expected}`)
}

function atLeast(what: string, found: number, least: number): void {
  if (!(found >= least - ROUNDING * Math.abs(least)))
    throw new Error(`${what} is ${found}; expected at least ${least}`)
}

function atMost(what: string, found: number, most: number): void {
  if (!(found <= most + ROUNDING * Math.abs(most)))
    throw new Error(`${what} is ${found}; expected at most ${most}`)
}
