import { type RandomBytes, type Ratio, sampleDiscreteLaplace } from '../../noise/index.ts'
import { roomSqlError } from './errors.ts'
import type { NoisePlan } from './noise-plan.ts'
import type { Scalar } from './syntax.ts'

const MICROS = 1_000_000n
/**
 * Scales by which the noisy count of contributors has to be over k before a group is shown: noise is larger with a
 * probability of less than 2^-41, so that groups of fewer than k stay hidden, without their exact count deciding it.
 */
const SLACK_SCALES = 28n

/**
 * The result of a query with noise: a row for each group that the template lists, whether anybody is in it or not, in the
 * order in which it lists them. Epsilon is shared evenly by the aggregates; with `minContributors` over 1 the count of
 * contributors, on which showing a group depends, has a share as well. A group that is not shown has nulls.
 *
 * One person more or less, with at most `maxRowsPerContributor` rows in the whole result, changes all groups of one
 * aggregate together by that many counts, or as many clipped values. The result is differentially private for each person
 * of each owner, with the epsilon of the plan.
 * @param exact rows of the query that {@link encodeNoise} made: keys, aggregates, and with k the contributors
 */
export function addNoise(
  plan: NoisePlan,
  exact: readonly (readonly (Scalar | bigint)[])[],
  random?: RandomBytes,
): (Scalar | bigint)[][] {
  const { keys, aggregates, shown, minContributors, noise } = plan
  const hasLeast = minContributors > 1
  const shares = BigInt(aggregates.length + (hasLeast ? 1 : 0))
  const rows = BigInt(noise.maxRowsPerContributor)
  const largest = BigInt(Math.max(Math.abs(noise.clip.min), Math.abs(noise.clip.max), 1))
  const scaleOf = (sensitivity: bigint): Ratio => ({
    numerator: sensitivity * shares * MICROS,
    denominator: BigInt(noise.epsilonMicros),
  })
  const countScale = scaleOf(rows)
  const sumScale = scaleOf(rows * largest)
  const least = BigInt(minContributors) + (SLACK_SCALES * countScale.numerator) / countScale.denominator + 1n
  const found = new Map(exact.map((row) => [keyOf(row.slice(0, keys.length)), row]))
  return cells(keys.map(({ values }) => values)).map((cell) => {
    const row = found.get(keyOf(cell))
    const exactAt = (at: number): bigint => whole(row?.[keys.length + at])
    const figures = aggregates.map(
      ({ name }, at) => exactAt(at) + sampleDiscreteLaplace(name === 'sum' ? sumScale : countScale, random),
    )
    const isShown =
      !hasLeast || exactAt(aggregates.length) + sampleDiscreteLaplace(countScale, random) >= least
    return shown.map(({ kind, at }) => (kind === 'key' ? cell[at]! : isShown ? figures[at]! : null))
  })
}

/** Every combination of the values of keys; without keys, the one that has none. */
function cells(values: readonly (readonly Scalar[])[]): Scalar[][] {
  let all: Scalar[][] = [[]]
  for (const key of values) all = all.flatMap((cell) => key.map((value) => [...cell, value]))
  return all
}

function keyOf(cell: readonly (Scalar | bigint)[]): string {
  return JSON.stringify(cell.map((value) => (typeof value === 'bigint' ? Number(value) : value)))
}

function whole(value: Scalar | bigint | undefined): bigint {
  if (value === null || value === undefined) return 0n
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  throw roomSqlError('ROOM_SQL_CRASHED', 'the process sent a figure that is no whole number')
}
