import type { Input, Name, TrainPrivacy } from '@sotto/protocol/contract'
import { count, showDecimal, showEpsilon, showPrivacy } from './amounts.ts'

const MICROS = 6
const NANOS = 9

/** What a training learns from. */
export interface Learned {
  /** Names of inputs. */
  learned: readonly Name[]
  /** Of the contract: what their owners ask for says who is protected. */
  inputs: readonly Pick<Input, 'name' | 'rules'>[]
  /** Whether the inputs are columns of the same people. */
  isJoined: boolean
  /** What stands for somebody where nothing says who it is of. */
  unit: 'row' | 'text'
}

/** The guarantee, input by input, or that there is none. */
export function describeGuarantee(
  { privacy }: { privacy?: TrainPrivacy },
  { learned, inputs, isJoined, unit }: Learned,
): string[] {
  if (privacy === undefined)
    return [`no guarantee of privacy: the model may tell of single ${unit}s of ${learned.join(', ')}`]
  const { sampleRateNanos, noiseMicros, clipMicros, maxRowsPerContributor, noise } = privacy
  return [
    ...learned.map((name) => {
      const contributor = inputs.find((input) => input.name === name)?.rules.contributor
      const who =
        contributor === undefined
          ? `each ${unit} of ${name} (nothing says whose it is)`
          : `each contributor of ${name} (told by ${contributor})`
      return `${who} is protected with ${showPrivacy(privacy)} a run`
    }),
    ...(learned.length > 1 && !isJoined
      ? ['who is in several of them is protected with the sum of what they cost']
      : []),
    `each is in a step with probability ${showDecimal(sampleRateNanos, NANOS)}, with at most ` +
      `${count(maxRowsPerContributor, unit === 'row' ? 'row' : 'window')}, and moves it by at most ` +
      `${showDecimal(clipMicros, MICROS)}; ${noise} noise of ${showEpsilon(noiseMicros)} times that is added`,
  ]
}
