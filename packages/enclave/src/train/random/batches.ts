import type { Units } from '../data/units.ts'
import type { TrainSettings } from '../settings.ts'
import { PoissonSampler } from './poisson.ts'
import { choose, ShuffledRows } from './sample.ts'
import type { Chance } from './streams.ts'

/** One input, as far as it decides which of its rows a step takes. */
export interface BatchOptions {
  readonly chance: Chance
  /** Place of the input in the contract. */
  readonly place: number
  readonly units: Units
  readonly rows: number
  /** Rows of all inputs: used without a guarantee only. */
  readonly totalRows: number
  readonly settings: Pick<TrainSettings, 'privacy' | 'expectedBatch'>
}

/** Which rows of one input each step takes: it follows from the step's number, the secret and the input alone. */
export class Batches {
  readonly #of: BatchOptions
  readonly #shuffled: ShuffledRows
  readonly #poisson: PoissonSampler | undefined

  constructor(of: BatchOptions) {
    this.#of = of
    const { chance, place, rows, totalRows: total, settings } = of
    this.#shuffled = new ShuffledRows({ chance, part: place, rows, total, expected: settings.expectedBatch })
    this.#poisson = settings.privacy && new PoissonSampler(settings.privacy.sampleRateNanos)
  }

  /**
   * Rows of a step: with a guarantee those of a Poisson sample of units, of each no more than its part of the clip allows;
   * else the next of the shuffled ones.
   */
  rowsOf(step: number): Uint32Array {
    const { chance, place, units, settings } = this.#of
    const { privacy } = settings
    if (!privacy || !this.#poisson) return this.#shuffled.at(step)
    const sample = this.#poisson.sample(chance.stream('sample', step, place), units.count)
    if (units.areRows) return sample
    const stream = chance.stream('rows', step, place)
    const rows: number[] = []
    for (const unit of sample) {
      const own = units.rowsOf(unit)
      if (own.length <= privacy.maxRowsPerUnit) rows.push(...own)
      else rows.push(...choose(stream, own.slice(), privacy.maxRowsPerUnit))
    }
    return Uint32Array.from(rows)
  }
}
