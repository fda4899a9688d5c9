import type { Examples } from '../data/units.ts'
import { roomTrainError } from '../errors.ts'
import { clipWithin } from '../noise/grid.ts'
import type { Stream } from '../random/streams.ts'
import { MAX_EXACT_PARAMETERS, type PrivacySettings } from '../settings.ts'
import type { StepSession, SumGraph } from './session.ts'

/** Rounding of sums in single precision. */
const ROUNDING = 1 + 2 ** -11
/** Sizes of weights at which gradients are small, usual and far past every clip. */
const SIZES = [0, 1, 1000]

/**
 * Checks that a graph clips gradients to what the guarantee allows one row to move.
 * @throws `ROOM_TRAIN_PRIVACY`
 */
export function requireClip(privacy: PrivacySettings, graph: SumGraph): void {
  const parameters = graph.parameters.reduce((count, { initial }) => count + initial.length, 0)
  const most = clipWithin({ ...privacy, parameters })
  if (most === undefined)
    throw roomTrainError('ROOM_TRAIN_PRIVACY', 'so much noise on so many parameters leaves no clip')
  if (graph.clip === undefined || !(graph.clip > 0 && graph.clip <= most))
    throw roomTrainError('ROOM_TRAIN_PRIVACY', 'the graph does not clip gradients to what one row may move')
  if (privacy.kind === 'discrete' && parameters > MAX_EXACT_PARAMETERS)
    throw roomTrainError('ROOM_TRAIN_PRIVACY', 'exact noise is for small models', {
      expected: `at most ${MAX_EXACT_PARAMETERS} parameters`,
    })
}

/**
 * Tries with rows that are made up whether a graph clips the gradient of every example. A graph of another builder might
 * pass and be wrong elsewhere; ours is right by how it is built, and this finds the one that was built without its clip.
 * @param clip what it says that it clips to
 * @throws `ROOM_TRAIN_PRIVACY`
 */
export async function tryClip<Rows extends Examples>(
  session: StepSession<Rows>,
  clip: number,
  stream: Stream,
): Promise<void> {
  const { parameters } = session.graph
  const number = (): number => 2 * stream.uniform() - 1
  const part = session.madeUp(stream)
  for (const size of SIZES) {
    const values = parameters.map(({ initial }) =>
      Float32Array.from(initial, (value) => value + size * number()),
    )
    for (let row = 0; row < part.rows; row++) {
      const sums = parameters.map(({ initial }) => new Float64Array(initial.length))
      await session.sum(values, part, Uint32Array.of(row), sums)
      const square = sums.reduce((all, sum) => sum.reduce((total, one) => total + one * one, all), 0)
      if (!(Math.sqrt(square) <= clip * ROUNDING))
        throw roomTrainError('ROOM_TRAIN_PRIVACY', 'the graph gives gradients past its clip')
    }
  }
}
