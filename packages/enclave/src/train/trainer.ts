import type { TrainingState } from '@sotto/protocol/training'
import type { Part } from './data/part.ts'
import type { Examples } from './data/units.ts'
import { roomTrainError } from './errors.ts'
import { addExactNoise } from './noise/add-exact-noise.ts'
import { addNoise } from './noise/add-noise.ts'
import { requireClip, tryClip } from './step/check-clip.ts'
import { createOptimiser, type Optimiser, rateAt } from './optimise/index.ts'
import type { Chance } from './random/streams.ts'
import { Batches } from './random/batches.ts'
import { requireSettings, type TrainSettings } from './settings.ts'
import type { StepSession } from './step/session.ts'

/** Gradients of the rows of one input that a step takes, summed. */
export interface PartSum {
  /** Place of the input in the contract. */
  readonly part: number
  readonly sums: readonly Float64Array[]
  /** Rows that were taken: with a guarantee it leaves nothing but trainers. */
  readonly examples: number
  /** Sum of their losses; with a guarantee, none. */
  readonly loss?: number
}

/** One input of a trainer. */
export interface PlacedPart<Rows extends Examples = Part> {
  /** Place of the input in the contract, the same for whoever trains on it. */
  readonly place: number
  readonly part: Rows
}

/** What a trainer is made of. */
export interface TrainerOptions<Rows extends Examples = Part> {
  readonly session: StepSession<Rows>
  /** Inputs that this trainer has. */
  readonly parts: readonly PlacedPart<Rows>[]
  /** Places of the inputs of all trainers. */
  readonly places: readonly number[]
  /** Rows of all inputs of all trainers. With a guarantee it is not used. */
  readonly totalRows: number
  readonly chance: Chance
  readonly settings: TrainSettings
}

/**
 * Weights, and the steps that move them. A step is a sum over the rows of each input, which whoever has that input makes,
 * and a move, which everybody makes from all sums: so one trainer and several come to the same weights, to the bit, on
 * processors of one kind.
 */
export class Trainer<Rows extends Examples = Part> {
  readonly #of: TrainerOptions<Rows>
  readonly #values: Float32Array[]
  readonly #optimiser: Optimiser
  /** Sums of all inputs: written anew in each step. */
  readonly #total: readonly Float64Array[]
  readonly #parts: readonly (PlacedPart<Rows> & { readonly batches: Batches })[]

  /** Of {@link createTrainer}, which checks first. @throws `ROOM_TRAIN_GRAPH` */
  constructor(of: TrainerOptions<Rows>) {
    const { session, parts, chance, settings, totalRows } = of
    const { parameters } = session.graph
    for (const { dims, initial } of parameters)
      if (dims.reduce((count, size) => count * size, 1) !== initial.length)
        throw roomTrainError('ROOM_TRAIN_GRAPH', 'a parameter is not of its dimensions')
    this.#of = of
    this.#values = parameters.map(({ initial }) => initial.slice())
    this.#total = this.#values.map(({ length }) => new Float64Array(length))
    this.#optimiser = createOptimiser(
      settings.optimiser,
      parameters.map(({ initial }) => initial.length),
    )
    this.#parts = parts.map(({ place, part }) => {
      const batches = new Batches({ chance, place, units: part.units, rows: part.rows, totalRows, settings })
      return { place, part, batches }
    })
  }

  /** The weights as they are: the same arrays from step to step. */
  get values(): readonly Float32Array[] {
    return this.#values
  }

  /** Sums of a step, of each input here. @param step from 0 */
  async sum(step: number): Promise<PartSum[]> {
    const { session, settings } = this.#of
    const found: PartSum[] = []
    for (const { place, part, batches } of this.#parts) {
      const rows = batches.rowsOf(step)
      const sums = this.#values.map(({ length }) => new Float64Array(length))
      const loss = await session.sum(this.#values, part, rows, sums)
      found.push({ part: place, sums, examples: rows.length, ...(!settings.privacy && { loss }) })
    }
    return found
  }

  /**
   * Moves the weights by the sums of all inputs.
   * @param found of all trainers, in any order: one of each input
   * @throws `ROOM_TRAIN_PEER` for sums that are missing, twice, or of other weights; `ROOM_TRAIN_NOT_FINITE` for gradients or
   *   weights that are no numbers; `ROOM_TRAIN_GRAPH` for such gradients under a guarantee: a graph that clips gives none
   */
  apply(step: number, found: readonly PartSum[]): void {
    const { session, chance, settings } = this.#of
    this.#requireAll(found)
    const { expectedBatch, privacy, schedule, steps } = settings
    const total = this.#total
    // In the contract's order: sums of doubles depend on it.
    const [first, ...others] = found.toSorted((a, b) => a.part - b.part)
    for (const [index, sum] of total.entries()) {
      if (first) sum.set(first.sums[index]!)
      else sum.fill(0)
      for (const { sums } of others) addTo(sum, sums[index]!)
    }
    if (privacy) {
      const add = privacy.kind === 'discrete' ? addExactNoise : addNoise
      add(total, privacy.noise * privacy.clip, chance.stream('noise', step))
    }
    // What is no number is none with noise, too.
    const areNumbers = total.map((sum) => divide(sum, expectedBatch))
    if (areNumbers.includes(false))
      throw privacy
        ? roomTrainError('ROOM_TRAIN_GRAPH', 'the graph gives gradients that are no numbers')
        : notFinite('gradient', step)
    const ranks = session.graph.parameters.map(({ dims }) => dims.length)
    const rate = rateAt(schedule, step, steps)
    this.#optimiser.step({ values: this.#values, ranks }, total, { step, rate })
    if (!this.#values.every(isFinite)) throw notFinite('weight', step)
  }

  /** Copies of weights and of what the optimiser remembers. @param step steps that are done */
  state(step: number): TrainingState {
    return {
      step,
      parameters: this.#values.map((value) => value.slice()),
      optimiser: this.#optimiser.state(),
    }
  }

  /** @throws `ROOM_TRAIN_CHECKPOINT` for a state of other weights */
  restore({ parameters, optimiser, step }: TrainingState): void {
    const isOurs =
      parameters.length === this.#values.length &&
      parameters.every(({ length }, at) => length === this.#values[at]!.length) &&
      step <= this.#of.settings.steps
    if (!isOurs) throw roomTrainError('ROOM_TRAIN_CHECKPOINT', 'the state is of other weights')
    this.#optimiser.restore(optimiser)
    for (const [at, value] of this.#values.entries()) value.set(parameters[at]!)
  }

  /** An input that counts twice would move the weights by twice its clip. */
  #requireAll(found: readonly PartSum[]): void {
    const { places } = this.#of
    const isOurs = ({ sums }: PartSum): boolean =>
      sums.length === this.#values.length && sums.every((sum, at) => sum.length === this.#values[at]!.length)
    const given = new Set(found.map(({ part }) => part))
    const isWhole = found.length === places.length && places.every((place) => given.has(place))
    if (!isWhole || !found.every(isOurs))
      throw roomTrainError('ROOM_TRAIN_PEER', 'the sums of a step are not one of each input')
  }
}

/**
 * Opens a trainer. Whatever can be found wrong with its settings and its graph is, before they see data.
 * @throws `ROOM_TRAIN_SETTINGS`; `ROOM_TRAIN_PRIVACY` for settings and graphs that would break the guarantee;
 *   `ROOM_TRAIN_GRAPH` for parameters that are not of their dimensions
 */
export async function createTrainer<Rows extends Examples = Part>(
  of: TrainerOptions<Rows>,
): Promise<Trainer<Rows>> {
  const { session, chance, settings } = of
  requireSettings(settings)
  if (settings.privacy) {
    requireClip(settings.privacy, session.graph)
    await tryClip(session, session.graph.clip!, chance.stream('try', 0))
  }
  return new Trainer(of)
}

/** Four sums, which do not wait for each other: none of so few numbers in single precision is past a double. */
function isFinite(values: Float32Array): boolean {
  let [one, two, three, four] = [0, 0, 0, 0]
  let at = 0
  for (; at + 4 <= values.length; at += 4) {
    one += values[at]!
    two += values[at + 1]!
    three += values[at + 2]!
    four += values[at + 3]!
  }
  for (; at < values.length; at++) one += values[at]!
  return Number.isFinite(one + two + three + four)
}

function addTo(sum: Float64Array, other: Float64Array): void {
  for (let at = 0; at < sum.length; at++) sum[at] = sum[at]! + other[at]!
}

/** @returns whether all of it are numbers */
function divide(sum: Float64Array, by: number): boolean {
  let all = 0
  for (let at = 0; at < sum.length; at++) all += sum[at] = sum[at]! / by
  return Number.isFinite(all)
}

function notFinite(what: string, step: number): Error {
  return roomTrainError('ROOM_TRAIN_NOT_FINITE', `a ${what} is no number after step ${step + 1}`)
}
