import type { Contract, Spent } from '@sotto/protocol/contract'
import { listed, type Mismatch, repeated } from './compare.ts'
import type { RunFacts } from './run-checks.ts'
import { CLOCK_SKEW_SECONDS } from './run-checks.ts'
import type { Audit, AuditedRun, CheckStatus } from './types.ts'
import { delta, epsilon, rangeWords, short } from './words.ts'

/** Runs of one contract, and what they take together. */
export interface TogetherFacts {
  contract: Contract
  /** Every proof that holds, a run perhaps several times. */
  facts: readonly (RunFacts & { run: AuditedRun })[]
  /** Each run once, by sequence number. */
  runs: readonly AuditedRun[]
  spent: readonly Spent[]
  gaps: Audit['gaps']
}

/** A question about all runs together. */
export interface TogetherCheck {
  name: string
  what: string
  /** Status where something is wrong. @default 'fail' */
  otherwise?: CheckStatus
  findWrong(facts: TogetherFacts): Mismatch | undefined
}

/** What no proof shows alone. */
export const TOGETHER_CHECKS: readonly TogetherCheck[] = [
  {
    name: 'runs.present',
    what: 'There are runs to check',
    otherwise: 'missing',
    findWrong: ({ runs }) => (runs.length > 0 ? undefined : { expected: 'proofs of runs', found: 'none' }),
  },
  {
    name: 'runs.unique',
    what: 'No run is counted twice',
    findWrong({ facts }) {
      const twice = repeated(facts.map(({ run }) => run.run))
      return twice.length === 0
        ? undefined
        : { expected: 'one proof of each run', found: `several of ${listed(twice.map(short), '')}` }
    },
  },
  {
    name: 'runs.sequence',
    what: 'Every run has a number of its own in the ledger of the contract',
    findWrong({ runs }) {
      const twice = repeated(runs.map(({ sequence }) => sequence))
      return twice.length === 0
        ? undefined
        : { expected: 'a number for one run each', found: `several runs ${listed(twice.map(String), '')}` }
    },
  },
  {
    name: 'runs.order',
    what: 'Numbers of runs grow with time',
    findWrong({ runs }) {
      const at = runs.findIndex((run, index) => run.at + CLOCK_SKEW_SECONDS < (runs[index - 1]?.at ?? 0))
      if (at < 0) return undefined
      const [before, run] = [runs[at - 1]!, runs[at]!]
      return {
        expected: `run ${run.sequence} after run ${before.sequence}, which began at ${before.at}`,
        found: `run ${run.sequence} began at ${run.at}`,
      }
    },
  },
  {
    name: 'runs.complete',
    what: 'The proofs of all runs up to the last one are here',
    otherwise: 'missing',
    findWrong: ({ gaps }) =>
      gaps.length === 0
        ? undefined
        : { expected: 'a proof of every run', found: `none of ${rangesOf(gaps)}` },
  },
  {
    name: 'runs.keys',
    what: 'No two runs share keys',
    findWrong({ facts }) {
      const offers = new Map(facts.map(({ run, proof }) => [run.run, proof.offered.offer]))
      const shared = ['wrapKey', 'receiptKey'] as const
      const twice = shared.filter((key) => repeated([...offers.values()].map((one) => one[key])).length > 0)
      return twice.length === 0
        ? undefined
        : { expected: 'keys of each run alone', found: `the same ${twice.join(' and ')} in several runs` }
    },
  },
  {
    name: 'runs.artifacts',
    what: 'A sealed file is the same in every run that read it',
    findWrong({ runs }) {
      const read = new Set(
        runs.flatMap(({ inputs }) =>
          inputs.map(({ artifact, input, sealed, content }) => `${artifact} ${input} ${sealed} ${content}`),
        ),
      )
      const twice = repeated([...read].map((one) => one.slice(0, one.indexOf(' '))))
      return twice.length === 0
        ? undefined
        : { expected: 'one content of each file', found: `several of ${listed(twice, '')}` }
    },
  },
  {
    name: 'runs.trainings',
    what: 'One result of each training left, of the run that began it or of one that went on with it',
    findWrong({ runs }) {
      const twice = repeated(runs.map(({ run, resumes = run }) => resumes))
      return twice.length === 0
        ? undefined
        : {
            expected: 'one result of each training',
            found: `several of what ${listed(twice.map(short), '')} began`,
          }
    },
  },
  {
    name: 'budgets.runs',
    what: 'No input was read more often than its owner allows',
    findWrong: ({ contract, spent }) =>
      overBudget(spent, ({ input, transform, runs }) => {
        const limit = useOf(contract, input, transform)?.runs ?? 0
        return runs > limit ? { expected: `at most ${limit} runs`, found: `${runs} runs` } : undefined
      }),
  },
  {
    name: 'budgets.epsilon',
    what: 'No more privacy was spent than its owner allows',
    findWrong: ({ contract, spent }) =>
      overBudget(spent, ({ input, transform, epsilonMicros, deltaTrillionths = 0 }) => {
        const use = useOf(contract, input, transform)
        const limit = use?.epsilonMicros ?? 0
        if (epsilonMicros > limit)
          return { expected: `ε at most ${epsilon(limit)}`, found: `ε ${epsilon(epsilonMicros)}` }
        const most = use?.deltaTrillionths ?? 0
        return deltaTrillionths > most
          ? { expected: `δ at most ${delta(most)}`, found: `δ ${delta(deltaTrillionths)}` }
          : undefined
      }),
  },
]

function useOf({ inputs }: Contract, input: string, transform: string) {
  return inputs.find(({ name }) => name === input)?.uses.find((use) => use.transform === transform)
}

/** Every edge over its limit. */
function overBudget(
  spent: readonly Spent[],
  judge: (one: Spent) => Mismatch | undefined,
): Mismatch | undefined {
  const over = spent.flatMap((one) => {
    const wrong = judge(one)
    return wrong === undefined ? [] : [{ edge: `${one.input} for ${one.transform}`, ...wrong }]
  })
  if (over.length === 0) return undefined
  return {
    expected: listed(
      over.map(({ edge, expected }) => `${edge}: ${expected}`),
      '',
    ),
    found: listed(
      over.map(({ edge, found }) => `${edge}: ${found}`),
      '',
    ),
  }
}

const SHOWN_RANGES = 20

function rangesOf(gaps: Audit['gaps']): string {
  const rest = gaps.length - SHOWN_RANGES
  return `${rangeWords(gaps.slice(0, SHOWN_RANGES))}${rest > 0 ? ` and ${rest} more ranges` : ''}`
}
