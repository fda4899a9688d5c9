/** What a model card says of a trained model, in words: what is guaranteed to those whose rows it read, and what is not. */
import type { ProvenanceTraining } from '../room/index.ts'
import type { TrainingMetric } from './metrics.ts'

/** A consideration of a model card. */
export interface CardRisk {
  name: string
  mitigationStrategy: string
}

const RISK =
  'The model may tell whether somebody was among those it learned from, and what they brought says.'

/** What stands against that, with the figures that were charged. @param training absent: nothing is known of it */
export function riskOf(training: ProvenanceTraining | undefined): CardRisk {
  const { epsilonMicros, deltaTrillionths } = training ?? {}
  if (epsilonMicros === undefined)
    return {
      name: RISK,
      mitigationStrategy: 'None: it was trained without differential privacy, and nothing is guaranteed.',
    }
  const epsilon = epsilonMicros / 1_000_000
  const delta = Number(`${deltaTrillionths ?? 0}e-12`)
  return {
    name: RISK,
    mitigationStrategy:
      `Differential privacy, epsilon ${epsilon}, delta ${delta}: with all that one contributor brought (one row or one ` +
      'text, where nobody is named) or without it, no outcome of the training is more than ' +
      `${factorOf(epsilon)} times as likely, but for a probability of ${delta}. Of this run alone: what other runs over ` +
      'the same data spend comes on top.',
  }
}

/** What figures do not say. */
export function limitsOf(figures: readonly TrainingMetric[]): string[] {
  const noisy = figures.filter(({ epsilonMicros }) => epsilonMicros !== undefined)
  return [
    'Figures are of what the parties agreed to measure with, in the room of the run; of other data nothing is known.',
    ...(noisy.length === 0 ? [] : [`Made with noise, each for itself: ${noisy.map(noiseWords).join(', ')}.`]),
  ]
}

function noiseWords({ metric, split, epsilonMicros = 0 }: TrainingMetric): string {
  return `${metric} of ${split} (epsilon ${epsilonMicros / 1_000_000})`
}

/** Rounded up: a promise is not better than it is. */
function factorOf(epsilon: number): string {
  const factor = Math.exp(epsilon)
  if (factor < 1e6) return String(Math.ceil(factor * 100) / 100)
  const near = Number(factor.toExponential(1))
  const step = 10 ** (Math.floor(Math.log10(factor)) - 1)
  return (near < factor ? near + step : near).toExponential(1)
}
