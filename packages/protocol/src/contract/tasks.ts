import {
  areDistinct,
  type Decoder,
  hex,
  integer,
  label,
  list,
  literal,
  members,
  object,
  oneOf,
  refine,
  jcsError,
  variants,
} from '../jcs/index.ts'
import type { Digest } from '../keyrelease/types.ts'
import { type FinetuneTask, finetuneDecoder } from './finetune-task.ts'
import { code, columnName, name, prompt } from './names.ts'
import { type TrainTask, trainDecoder } from './train-task.ts'

/** A query that parties approved: only its parameters change from run to run. */
export interface SqlTemplate {
  name: string
  /**
   * One SELECT, 1 to 16384 characters, over the names of what the transform reads; `$name` stands for a parameter. What it
   * says is what is seen: no formatting characters, and none of control but tab and line feed.
   */
  sql: string
  parameters: SqlParameter[]
}

/** Types of parameters, which are bound and never become part of the query's text. */
export const PARAMETER_TYPES = ['boolean', 'integer', 'number', 'text', 'date'] as const
export type ParameterType = (typeof PARAMETER_TYPES)[number]

/** A place in a template for a value of a run. */
export interface SqlParameter {
  name: string
  type: ParameterType
  /** Of integers: bounds, inclusive. */
  min?: number
  max?: number
  /** Exactly one of these, as text: 1 to 256. */
  oneOf?: string[]
}

/** Noise of one aggregate. */
export interface NoisePlan {
  /** Epsilon of one run, in millionths. */
  epsilonMicros: number
  /** A contributor's rows count at most so often in one result: 1 to 10000. */
  maxRowsPerContributor: number
  /** Values are clipped to this range before they are summed, in whole numbers. */
  clip: { min: number; max: number }
}

/** Aggregates over tables, by approved queries. */
export interface SqlTask {
  kind: 'sql'
  /** 1 to 64. Where another transform reads the result: one, without parameters, for a run chooses those of its last step. */
  templates: SqlTemplate[]
  /** Columns by which inputs of different owners may be joined; no other comparison between them is taken. */
  joinKeys: string[]
  /** Present where results get noise. */
  noise?: NoisePlan
  /** Rows at most, 1 to 10000000. */
  maxRows: number
}

/** What a model can be asked to do with another party's texts or recordings. */
export const INFERENCE_ACTIONS = ['summarise', 'transcribe', 'classify', 'embed'] as const
export type InferenceAction = (typeof INFERENCE_ACTIONS)[number]

/** A model over every item of an input. */
export interface InferTask {
  kind: 'infer'
  action: InferenceAction
  /** Name of an input of kind `model`, which the transform reads. */
  model: string
  /** Digest of that model's manifest: no other weights answer. */
  digest: Digest
  /** Before every item: 1 to 8192 characters. Absent: none. */
  prompt?: string
  /** Settings of the engine, as whole numbers: `max_tokens`, `min_tokens`, `beams`, `no_repeat_ngram`; all of them pinned. */
  settings: InferSettings
  /** With `classify`: the labels there are, 2 to 64. */
  labels?: string[]
}

/** Absent members are the model's own defaults. Nothing is drawn at random: the same text has the same answer. */
export interface InferSettings {
  maxTokens?: number
  minTokens?: number
  beams?: number
  noRepeatNgram?: number
}

/** What code of a party may use. */
export interface CodeLimits {
  memoryBytes: number
  seconds: number
}

/** A WebAssembly module (WASI preview 1) that reads inputs as files and writes one file. */
export interface WasmTask {
  kind: 'wasm'
  /** Name of an input of kind `code`. */
  module: string
  args: string[]
  limits: CodeLimits & {
    /** Instructions at most, in millions. */
    fuelMillions: number
  }
}

/** A container from an OCI layout, without a daemon and without a network. */
export interface ContainerTask {
  kind: 'container'
  /** Name of an input of kind `code`. */
  image: string
  /** Digest of the image's manifest. */
  manifest: Digest
  command: string[]
  env: Record<string, string>
  limits: CodeLimits
}

/** What a transform does. A room that does not know a kind refuses the run. */
export type Task = SqlTask | InferTask | WasmTask | ContainerTask | TrainTask | FinetuneTask

const MEBIBYTE = 2 ** 20
const DAY = 86_400

const parameterDecoder: Decoder<SqlParameter> = refine(
  members<SqlParameter>(
    { name: columnName, type: oneOf(...PARAMETER_TYPES) },
    {
      min: integer(Number.MIN_SAFE_INTEGER),
      max: integer(Number.MIN_SAFE_INTEGER),
      oneOf: list(label(256), 1, 256),
    },
  ),
  ({ type, min, max, oneOf: values }) => {
    if ((min !== undefined || max !== undefined) && type !== 'integer') return 'only integers have bounds'
    if (min !== undefined && max !== undefined && min > max) return 'no value is within the bounds'
    if (values !== undefined && type !== 'text') return 'only texts are one of a list'
    return values !== undefined && !areDistinct(values) ? 'a value is listed twice' : undefined
  },
)

const templateDecoder: Decoder<SqlTemplate> = refine(
  object<SqlTemplate>({ name, sql: code(16_384), parameters: list(parameterDecoder, 0, 32) }),
  ({ parameters }) =>
    areDistinct(parameters.map((one) => one.name.toLowerCase())) ? undefined : 'a parameter is named twice',
)

const noiseDecoder: Decoder<NoisePlan> = refine(
  object<NoisePlan>({
    epsilonMicros: integer(1, 100_000_000),
    maxRowsPerContributor: integer(1, 10_000),
    clip: object({ min: integer(-(2 ** 40), 2 ** 40), max: integer(-(2 ** 40), 2 ** 40) }),
  }),
  ({ clip }) => (clip.min <= clip.max ? undefined : 'nothing is within the clipping range'),
)

const sqlDecoder: Decoder<SqlTask> = refine(
  members<SqlTask>(
    {
      kind: literal('sql'),
      templates: list(templateDecoder, 1, 64),
      joinKeys: list(columnName, 0, 32),
      maxRows: integer(1, 10_000_000),
    },
    { noise: noiseDecoder },
  ),
  ({ templates }) =>
    areDistinct(templates.map((one) => one.name)) ? undefined : 'a template is named twice',
)

const settingsDecoder: Decoder<InferSettings> = members<InferSettings>(
  {},
  {
    maxTokens: integer(1, 65_536),
    minTokens: integer(1, 65_536),
    beams: integer(1, 16),
    noRepeatNgram: integer(1, 16),
  },
)

const inferDecoder: Decoder<InferTask> = refine(
  members<InferTask>(
    {
      kind: literal('infer'),
      action: oneOf(...INFERENCE_ACTIONS),
      model: name,
      digest: hex(32),
      settings: settingsDecoder,
    },
    { prompt: prompt(8192), labels: list(label(64), 2, 64) },
  ),
  ({ action, labels = [] }) => {
    if ((action === 'classify') !== labels.length > 0) return 'labels are of classify, which needs them'
    return areDistinct(labels) ? undefined : 'a label is listed twice'
  },
)

const limits = {
  memoryBytes: integer(MEBIBYTE, 64 * 1024 * MEBIBYTE),
  seconds: integer(1, DAY),
}
const word: Decoder<string> = code(4096)

const wasmDecoder: Decoder<WasmTask> = object<WasmTask>({
  kind: literal('wasm'),
  module: name,
  args: list(word, 0, 64),
  limits: object({ ...limits, fuelMillions: integer(1, 1_000_000_000) }),
})

const containerDecoder: Decoder<ContainerTask> = object<ContainerTask>({
  kind: literal('container'),
  image: name,
  manifest: hex(32),
  command: list(word, 1, 64),
  env: environment,
  limits: object(limits),
})

const MAX_VARIABLES = 64
const VARIABLE = /^[A-Z_][A-Z0-9_]{0,63}$/

function environment(value: unknown, path: string): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw jcsError('JCS_FIELD', `${path} is no table of variables`)
  const entries = Object.entries(value)
  if (entries.length > MAX_VARIABLES || !entries.every(([variable]) => VARIABLE.test(variable)))
    throw jcsError('JCS_FIELD', `${path} has a name that no variable has, or more than ${MAX_VARIABLES}`)
  return Object.fromEntries(
    entries.map(([variable, said]) => [variable, said === '' ? '' : word(said, `${path}.${variable}`)]),
  )
}

const DECODERS: { readonly [Kind in Task['kind']]: Decoder<Task> } = {
  sql: sqlDecoder,
  infer: inferDecoder,
  wasm: wasmDecoder,
  container: containerDecoder,
  train: trainDecoder,
  finetune: finetuneDecoder,
}

/** Tasks that learn: their chance follows from one secret, and a run of one may go on with another. */
export function isTraining(task: Task): task is TrainTask | FinetuneTask {
  return task.kind === 'train' || task.kind === 'finetune'
}

/** Decodes a {@link Task}. @throws `JCS_FIELD` */
export const taskDecoder: Decoder<Task> = variants<Task>('kind', DECODERS)
