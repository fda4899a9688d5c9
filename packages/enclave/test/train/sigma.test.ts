/**
 * What a step releases, looked at from outside: the noise in it, and what one unit more moves it by. Their quotient is what
 * the accountants are told. Taken out, noise or clip are found to be missing.
 */
import { describe, expect, it } from 'vitest'
import {
  Chance,
  clipWithin,
  encodePart,
  openStep,
  type Part,
  type PrivacySettings,
  readFor,
  type StepSession,
  train,
  type TrainSettings,
} from '../../src/train/index.ts'
import { Trainer } from '../../src/train/trainer.ts'
import { rowUnits } from '../../src/train/data/units.ts'
import type { Stream } from '../../src/train/random/streams.ts'
import { stepGraph } from './perceptron.ts'
import { MADE_UP, MADE_UP_WIDTH, madeUp } from './tables.ts'

const SEEDS = 400
const BATCH = 50
const CLIP = 0.25
const NOISE = 1.5
const PRIVACY: PrivacySettings = {
  sampleRateNanos: 1_000_000_000,
  noise: NOISE,
  clip: CLIP,
  // As many as the others have: which rows are taken is no chance then, that would look like noise.
  maxRowsPerUnit: 4,
  kind: 'gaussian',
}
/** Numbers of a gradient. */
const PARAMETERS = MADE_UP_WIDTH + 1

/** What is wrong with the trainer under test. */
interface Mutant {
  isUnclipped?: boolean
  isSilent?: true
  isBlindToUnits?: true
  kind?: 'discrete'
}

/** Noise of nothing but zeros. */
class SilentChance extends Chance {
  override stream(...at: Parameters<Chance['stream']>): Stream {
    const stream = super.stream(...at)
    if (at[0] === 'noise') stream.word = () => 0
    return stream
  }
}

function openGraph({ isUnclipped = false }: Mutant): Promise<StepSession> {
  const clip = clipWithin({ ...PRIVACY, parameters: PARAMETERS })!
  return openStep(stepGraph({ layers: [MADE_UP_WIDTH, 1], microBatch: 64, clip, isUnclipped }))
}

/** The sum that one step of rate 1 released: its update times the expected batch. */
async function release(
  session: StepSession,
  part: Part,
  secret: Uint8Array,
  mutant: Mutant,
): Promise<Float64Array> {
  const chance = mutant.isSilent ? new SilentChance(secret) : new Chance(secret)
  const privacy = { ...PRIVACY, kind: mutant.kind ?? PRIVACY.kind }
  const settings: TrainSettings = {
    steps: 1,
    expectedBatch: BATCH,
    optimiser: { kind: 'sgd', momentum: 0, weightDecay: 0 },
    schedule: { kind: 'constant', rate: 1, warmupSteps: 0, floor: 0 },
    privacy,
  }
  const of = { session, parts: [{ place: 0, part }], places: [0], totalRows: 0, chance, settings }
  // Not by createTrainer, which would refuse the graph without its clip.
  const trainer = new Trainer(of)
  const { state } = await train({ trainer, settings })
  return Float64Array.from(
    state.parameters.flatMap((values) => [...values]),
    (value) => -value * BATCH,
  )
}

/** Rows of a table; with the neighbour's, 8 more of one contributor, as far from the others as rows can be. */
function rows(withNeighbour: boolean, { isBlindToUnits }: Mutant): Part {
  const source = madeUp('t', 40, 11, { contributor: 'who' })
  const extreme = '80,1000,a,neighbour,false\n'.repeat(8)
  const bytes = withNeighbour ? Buffer.concat([source.bytes, Buffer.from(extreme)]) : source.bytes
  const spec = { ...MADE_UP, isPrivate: true }
  const part = encodePart(readFor({ ...source, bytes }, spec), spec)
  return isBlindToUnits ? { ...part, units: rowUnits(part.rows) } : part
}

/** Deviation of the noise over many secrets, and what the neighbour moves a release by under one secret. */
async function judge(mutant: Mutant, seeds = SEEDS): Promise<{ deviation: number; moved: number }> {
  const secretOf = (seed: number): Uint8Array => new Uint8Array(Buffer.alloc(32, `seed ${seed} `))
  const part = rows(false, mutant)
  const session = await openGraph(mutant)
  const releases: Float64Array[] = []
  for (let seed = 0; seed < seeds; seed++) releases.push(await release(session, part, secretOf(seed), mutant))
  let squares = 0
  for (let at = 0; at < PARAMETERS; at++) {
    const mean = releases.reduce((sum, one) => sum + one[at]!, 0) / seeds
    squares += releases.reduce((sum, one) => sum + (one[at]! - mean) ** 2, 0) / (seeds - 1)
  }
  const without = await release(session, part, secretOf(0), mutant)
  const withIt = await release(session, rows(true, mutant), secretOf(0), mutant)
  await session.close()
  return {
    deviation: Math.sqrt(squares / PARAMETERS),
    moved: Math.hypot(...withIt.map((value, at) => value - without[at]!)),
  }
}

/** Five standard errors of a deviation of so many numbers. */
const margin = (seeds: number): number => 5 / Math.sqrt(2 * (seeds - 1) * PARAMETERS)

function isKept({ deviation, moved }: { deviation: number; moved: number }, seeds = SEEDS): boolean {
  return deviation / moved >= NOISE * (1 - margin(seeds)) && moved <= CLIP * (1 + 1e-5)
}

describe('released updates', () => {
  it('have the noise that they are said to have, and move with one contributor by the clip at most', async () => {
    const found = await judge({})
    expect(Math.abs(found.deviation / (NOISE * CLIP) - 1)).toBeLessThan(margin(SEEDS))
    // The neighbour is as far as it can be: the clip is not far from what it moves.
    expect(found.moved).toBeGreaterThan(CLIP * 0.9)
    expect(isKept(found)).toBe(true)
  })

  it('have it with exact noise, too', async () => {
    const found = await judge({ kind: 'discrete' }, 60)
    expect(Math.abs(found.deviation / (NOISE * CLIP) - 1)).toBeLessThan(margin(60))
    expect(isKept(found, 60)).toBe(true)
  })

  it.each([
    ['the clip', { isUnclipped: true }],
    ['the noise', { isSilent: true }],
    ['the bound of rows of one contributor', { isBlindToUnits: true }],
  ] as [string, Mutant][])('are told from those of a trainer without %s', async (_, mutant) => {
    expect(isKept(await judge(mutant, 40), 40)).toBe(false)
  })
})
