import type { Descent, FinetuneTask, Input, Name, TrainPrivacy, TrainTask } from '@sotto/protocol/contract'
import { words } from '../../words/index.ts'

/** What is said of one side of a training. */
export interface TaskTerm {
  title: string
  lines: string[]
  /** A digest that belongs to it. */
  digest?: string
}

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

/** How weights move. @param unit what a step is of @param privacy where rows are drawn one by one */
export function descentTerm(
  { steps, batch, optimiser, schedule, stopEarly }: Descent,
  unit: 'row' | 'window',
  privacy: TrainPrivacy | undefined,
): TaskTerm {
  const say = words.rooms.contracts.training
  return {
    title: say.titles.steps,
    lines: [
      privacy === undefined ? say.steps(steps, batch, unit) : say.drawnSteps(steps, batch, unit),
      optimiser.kind === 'sgd'
        ? say.sgd(optimiser.momentumMicros, optimiser.weightDecayMicros)
        : say.adamw(optimiser.beta1Micros, optimiser.beta2Micros, optimiser.weightDecayMicros),
      say.rate(schedule),
      ...(stopEarly === undefined ? [] : [say.stopEarly(stopEarly.every, stopEarly.patience)]),
    ],
  }
}

/** Who is protected, and how much, input by input; or that nobody is. */
export function guaranteeTerm(
  { privacy }: Pick<TrainTask | FinetuneTask, 'privacy'>,
  { learned, inputs, isJoined, unit }: Learned,
): TaskTerm {
  const say = words.rooms.contracts.training
  const title = say.titles.privacy
  if (privacy === undefined) return { title, lines: [say.unprotected(unit, learned.join(', '))] }
  const { epsilonMicros, deltaTrillionths } = privacy
  const cost = { epsilonMicros, deltaTrillionths }
  return {
    title,
    lines: [
      ...learned.map((name) => {
        const contributor = inputs.find((input) => input.name === name)?.rules.contributor
        return contributor === undefined
          ? say.protected.unit(unit, name, cost)
          : say.protected.contributor(name, contributor, cost)
      }),
      say.means(privacy),
      ...(learned.length > 1 && !isJoined ? [say.summed] : []),
      say.noise(privacy, unit === 'row' ? 'row' : 'window'),
    ],
  }
}

/** What everybody sees while it runs, and what it may use. */
export function runningTerms({
  show,
  limits,
}: Pick<TrainTask | FinetuneTask, 'show' | 'limits'>): TaskTerm[] {
  const say = words.rooms.contracts.training
  return [
    { title: say.titles.meanwhile, lines: [say.shows[show]] },
    { title: say.titles.limits, lines: [say.limits(limits.memoryBytes, limits.seconds)] },
  ]
}
