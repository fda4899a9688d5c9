import type { Descent, OutputPart, TrainColumn, TrainPrivacy, TrainTask } from '@sotto/protocol/contract'
import { countOf, decimalOf, epsilonOf, type Privacy, privacyOf } from './amounts.ts'
import { size } from './size.ts'

const MILLI_PLACES = 3
const MICRO_PLACES = 6
const NANO_PLACES = 9

const number = new Intl.NumberFormat('en')
const micros = (value: number): string => decimalOf(value, MICRO_PLACES)
const nanos = (value: number): string => decimalOf(value, NANO_PLACES)

const COLUMN_KINDS: Readonly<Record<TrainColumn['kind'], string>> = {
  number: 'a number',
  category: 'a category',
}
const ACTIVATIONS = { relu: 'ReLU', tanh: 'tanh' }
const SCHEDULES: Readonly<Record<Descent['schedule']['kind'], string>> = {
  constant: 'the same at each step',
  linear: 'falling in a straight line',
  cosine: 'falling as a cosine does',
}
const NOISES: Readonly<Record<TrainPrivacy['noise'], string>> = {
  gaussian: 'Gaussian noise',
  discrete: 'discrete Gaussian noise, in whole numbers',
}

const FACTOR_DIGITS = 3

/** How much likelier somebody's presence makes any result, for people. Rounded up: a promise is not better than it is. */
function factorOf(epsilonMicros: number): string {
  const factor = Math.exp(epsilonMicros / 1e6)
  const near = Number(factor.toPrecision(FACTOR_DIGITS))
  const step = 10 ** (Math.floor(Math.log10(factor)) - FACTOR_DIGITS + 1)
  return String(near < factor ? Number((near + step).toPrecision(FACTOR_DIGITS)) : near)
}

/** What a training does, as a contract says it. */
export const roomTraining = {
  titles: {
    model: 'Trains',
    rows: 'On',
    columns: (count: number) => `From ${countOf(count, 'column')}`,
    label: 'To tell',
    steps: 'Steps',
    privacy: 'Privacy',
    figures: 'Measured',
    predictions: 'Predictions',
    meanwhile: 'Meanwhile',
    limits: 'Limits',
  },
  recipes: {
    linear: 'a linear regression',
    logistic: 'a logistic regression',
    softmax: 'a softmax regression',
    mlp: (hidden: readonly number[], activation: 'relu' | 'tanh') =>
      `a multi-layer perceptron: hidden layers of ${hidden.join(', ')} with ${ACTIVATIONS[activation]}`,
    trees: (trees: number, depth: number, bins: number) =>
      `boosted trees: ${countOf(trees, 'tree')} of depth ${depth}, over ${bins} bins of each column`,
    growth: (rate: number, lambda: number, weight: number) =>
      `learning rate ${micros(rate)}, lambda ${micros(lambda)}, a child has a weight of at least ${micros(weight)}`,
    graph: (model: string, output: string) => `the weights of the graph ${model}, by its output ${output}`,
    manifest: 'its manifest:',
    adapter: (model: string) => `an adapter (LoRA) of the model ${model}, whose own weights stay as they are`,
    lora: (rank: number, alphaMilli: number, targets: string) =>
      `rank ${rank}, alpha ${decimalOf(alphaMilli, MILLI_PLACES)}, beside ${targets}`,
  },
  rows: (tables: string) => `rows of ${tables}`,
  joined: (tables: string, keys: string) =>
    `rows that ${tables} make together, where ${keys} is the same in all of them`,
  windows: (texts: string, tokens: number) => `texts of ${texts}, in windows of ${countOf(tokens, 'token')}`,
  column: (column: TrainColumn) => `${column.column}: ${COLUMN_KINDS[column.kind]}, ${rangeOf(column)}`,
  others: 'anything else is one more value',
  steps: (steps: number, batch: number, unit: string) =>
    `${countOf(steps, 'step')} of ${countOf(batch, unit)} each`,
  drawnSteps: (steps: number, batch: number, unit: string) =>
    `${countOf(steps, 'step')}; the sum of each is divided by ${countOf(batch, unit)}, however many are drawn`,
  sgd: (momentum: number, decay: number) =>
    `by stochastic gradient descent: momentum ${micros(momentum)}, weight decay ${micros(decay)}`,
  adamw: (beta1: number, beta2: number, decay: number) =>
    `by AdamW: betas ${micros(beta1)} and ${micros(beta2)}, weight decay ${micros(decay)}`,
  rate: ({ kind, rateNanos, warmupSteps, floorMicros }: Descent['schedule']) =>
    `learning rate ${nanos(rateNanos)}, ${SCHEDULES[kind]}; ${countOf(warmupSteps, 'step')} to warm up, ${micros(floorMicros)} of it at the last step`,
  stopEarly: (every: number, patience: number) =>
    `ends early when the loss, measured every ${countOf(every, 'step')}, was not better ${countOf(patience, 'time')}`,
  unprotected: (unit: string, names: string) =>
    `Nothing is guaranteed: the model may tell of single ${unit}s of ${names}.`,
  protected: {
    contributor: (name: string, column: string, privacy: Privacy) =>
      `each contributor of ${name}, whom its column ${column} tells, is protected with ${privacyOf(privacy)} a run`,
    unit: (unit: string, name: string, privacy: Privacy) =>
      `each ${unit} of ${name} is protected with ${privacyOf(privacy)} a run, and nothing says whose it is`,
  },
  means: ({ epsilonMicros }: Pick<TrainPrivacy, 'epsilonMicros'>) =>
    `that is: any model is at most ${factorOf(epsilonMicros)} times as likely with one of them among the data as without, but for a chance of about delta`,
  summed: 'who is in several of them is protected with the sum of what each costs',
  noise: (
    { sampleRateNanos, maxRowsPerContributor, clipMicros, noiseMicros, noise }: TrainPrivacy,
    unit: string,
  ) =>
    `each is in a step with probability ${nanos(sampleRateNanos)}, with at most ${countOf(maxRowsPerContributor, unit)}, and moves its sum by at most ${micros(clipMicros)}; ${NOISES[noise]} of ${micros(noiseMicros)} times that is added`,
  figures: (metrics: string, of: string) => `${metrics} of ${of}`,
  leftOut: (of: string) => `nothing: ${of} are left out all the same`,
  rowsOf: (unit: string, names: string) => `${unit}s of ${names}`,
  split: (splitNanos: number, unit: string) =>
    `${nanos(splitNanos)} of all ${unit}s, drawn by chance and not trained on`,
  exact: 'these figures are exact',
  noisy: (epsilonMicros: number, tables: string) =>
    `these figures have noise: epsilon ${epsilonOf(epsilonMicros)} a run for each contributor of ${tables}`,
  predictions: (table: string, key: string) => `of each row of ${table}, beside its ${key}`,
  shows: {
    steps: 'parties see how many steps are done',
    loss: 'every party sees how many steps are done, and the loss of each',
  } satisfies Record<TrainTask['show'], string>,
  limits: (bytes: number, seconds: number) =>
    `at most ${size(bytes)} of memory, ${countOf(seconds, 'second')}`,
  parts: {
    model: 'the model',
    metrics: 'figures',
    predictions: 'predictions',
    safetensors: 'the adapter as safetensors',
  } satisfies Record<OutputPart, string>,
  /** Of a fine-tuning. */
  adapter: 'the adapter',
  /** What its owner is bound by. */
  bound: {
    unprotected: (transform: string, input: string) =>
      `${transform} trains on ${input} without a guarantee: what it makes may tell of single people in it.`,
    protected: (transform: string, input: string, privacy: Privacy) =>
      `${transform} trains on ${input}, and protects those in it with ${privacyOf(privacy)} a run.`,
  },
}

function rangeOf(column: TrainColumn): string {
  if (column.kind === 'category') return `one of ${JSON.stringify(column.values)}`
  const { min, max, decimals } = column
  return `${decimalOf(min, decimals)} to ${decimalOf(max, decimals)}${decimals === 0 ? '' : ` (${countOf(decimals, 'place')})`}; what is past them counts as they do`
}

/** Trainings that run, or have run. */
export const roomTrainings = {
  lossAlt: (steps: number, first: string, last: string, lowest: string) =>
    `Loss up to step ${number.format(steps)}: ${first} at first, ${last} now, ${lowest} at its lowest.`,
  lossNote: 'As the room says it, and since this page looks at the run.',
  /** Millionths, to four digits. */
  lossOf: (lossMicros: number) => String(Number((lossMicros / 1e6).toPrecision(4))),
  resumes: 'Goes on with the run',
  resumed: 'Nothing more: it goes on with a run that was charged.',
}
