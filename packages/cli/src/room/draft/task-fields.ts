import {
  type Decoder,
  hex,
  integer,
  jcsError,
  label,
  list,
  members as object,
  oneOf,
  partial,
  text,
} from '@sotto/protocol/jcs'
import {
  COLUMN_NAME,
  CONTRACT_NAME,
  INFERENCE_ACTIONS,
  type InferTask,
  PARAMETER_TYPES,
  type SqlParameter,
  type SqlTask,
} from '@sotto/protocol/contract'
import { MIB, table, word } from '../../deploy/file/values.ts'
import { finetuneField, trainField } from './train/index.ts'
import type { DraftTask, DraftTemplate } from './types.ts'
import { bytes, epsilon } from './values.ts'
import { WEIGHTS_FIELDS, weightsOf } from './weights-fields.ts'

/** Members of a transform that say what it does. */
export const TASKS = ['sql', 'infer', 'wasm', 'container', 'train', 'finetune'] as const

const MAX_PATH = 1024
const MAX_SQL = 16_384
const MAX_DAY_SECONDS = 86_400

const name = text(32, CONTRACT_NAME)
const column = text(63, COLUMN_NAME)
const bound = integer(Number.MIN_SAFE_INTEGER)

/** `age: integer`, or `age: {type: integer, min: 18}`. */
const parameter: Decoder<Omit<SqlParameter, 'name'>> = (value, path) => {
  if (typeof value === 'string') return { type: oneOf(...PARAMETER_TYPES)(value, path) }
  const { one_of, ...given } = object<Omit<SqlParameter, 'name' | 'oneOf'> & { one_of?: string[] }>(
    { type: oneOf(...PARAMETER_TYPES) },
    { min: bound, max: bound, one_of: list(label(256), 1, 256) },
  )(value, path)
  return { ...given, ...(one_of !== undefined && { oneOf: one_of }) }
}

const template: Decoder<Omit<DraftTemplate, 'name'>> = (value, path) => {
  const {
    sql,
    file,
    parameters = {},
  } = partial<{
    sql?: string
    file?: string
    parameters?: Record<string, Omit<SqlParameter, 'name'>>
  }>({ sql: text(MAX_SQL), file: word(MAX_PATH), parameters: table(COLUMN_NAME, parameter, 32) })(value, path)
  if ((sql === undefined) === (file === undefined))
    throw jcsError('JCS_FIELD', `${path}: expected its query: sql or file`)
  return {
    // A block of YAML ends with a line break, which is no part of a query.
    sql: sql === undefined ? { file: file! } : sql.trimEnd(),
    parameters: Object.entries(parameters).map(([of, about]) => ({ name: of, ...about })),
  }
}

const noise: Decoder<NonNullable<SqlTask['noise']>> = (value, path) => {
  const given = object<{
    epsilon: number
    max_rows_per_contributor: number
    clip: { min: number; max: number }
  }>(
    {
      epsilon: epsilon(100_000_000),
      max_rows_per_contributor: integer(1, 10_000),
      clip: object<{ min: number; max: number }>({ min: bound, max: bound }, {}),
    },
    {},
  )(value, path)
  return {
    epsilonMicros: given.epsilon,
    maxRowsPerContributor: given.max_rows_per_contributor,
    clip: given.clip,
  }
}

const sql: Decoder<DraftTask> = (value, path) => {
  const given = object<{
    templates: Record<string, Omit<DraftTemplate, 'name'>>
    max_rows: number
    join_keys?: string[]
    noise?: NonNullable<SqlTask['noise']>
  }>(
    { templates: table(CONTRACT_NAME, template, 64), max_rows: integer(1, 10_000_000) },
    { join_keys: list(column, 0, 32), noise },
  )(value, path)
  return {
    kind: 'sql',
    templates: Object.entries(given.templates).map(([of, about]) => ({ name: of, ...about })),
    joinKeys: given.join_keys ?? [],
    maxRows: given.max_rows,
    ...(given.noise && { noise: given.noise }),
  }
}

const settings: Decoder<InferTask['settings']> = (value, path) => {
  const given = partial<{
    max_tokens?: number
    min_tokens?: number
    beams?: number
    no_repeat_ngram?: number
  }>({
    max_tokens: integer(1, 65_536),
    min_tokens: integer(1, 65_536),
    beams: integer(1, 16),
    no_repeat_ngram: integer(1, 16),
  })(value, path)
  return {
    ...(given.max_tokens !== undefined && { maxTokens: given.max_tokens }),
    ...(given.min_tokens !== undefined && { minTokens: given.min_tokens }),
    ...(given.beams !== undefined && { beams: given.beams }),
    ...(given.no_repeat_ngram !== undefined && { noRepeatNgram: given.no_repeat_ngram }),
  }
}

const infer: Decoder<DraftTask> = (value, path) => {
  const {
    digest,
    path: place,
    ...given
  } = object<{
    action: InferTask['action']
    model: string
    digest?: string
    path?: string
    prompt?: string
    settings?: InferTask['settings']
    labels?: string[]
  }>(
    { action: oneOf(...INFERENCE_ACTIONS), model: name },
    {
      ...WEIGHTS_FIELDS,
      prompt: text(8192),
      settings,
      labels: list(label(64), 2, 64),
    },
  )(value, path)
  return { kind: 'infer', settings: {}, ...given, digest: weightsOf({ digest, path: place }, path) }
}

const limits = { memory: bytes(MIB, 65_536 * MIB), seconds: integer(1, MAX_DAY_SECONDS) }
const words = list(word(4096), 0, 64)

const wasm: Decoder<DraftTask> = (value, path) => {
  const { memory, seconds, fuel_millions, ...given } = object<{
    module: string
    memory: number
    seconds: number
    fuel_millions: number
    args?: string[]
  }>({ module: name, ...limits, fuel_millions: integer(1, 1_000_000_000) }, { args: words })(value, path)
  return {
    kind: 'wasm',
    args: [],
    ...given,
    limits: { memoryBytes: memory, seconds, fuelMillions: fuel_millions },
  }
}

const container: Decoder<DraftTask> = (value, path) => {
  const { memory, seconds, ...given } = object<{
    image: string
    manifest: string
    command: string[]
    memory: number
    seconds: number
    env?: Record<string, string>
  }>(
    { image: name, manifest: hex(32), command: list(word(4096), 1, 64), ...limits },
    { env: table(/^[A-Z_][A-Z0-9_]{0,63}$/, word(4096, 0)) },
  )(value, path)
  return { kind: 'container', env: {}, ...given, limits: { memoryBytes: memory, seconds } }
}

const DECODERS: Readonly<Record<(typeof TASKS)[number], Decoder<DraftTask>>> = {
  sql,
  infer,
  wasm,
  container,
  train: trainField,
  finetune: finetuneField,
}

/** The one task among these members. @throws `JCS_FIELD` */
export function taskOf(given: Readonly<Record<string, unknown>>, path: string): DraftTask {
  const found = TASKS.filter((kind) => given[kind] !== undefined)
  if (found.length !== 1)
    throw jcsError('JCS_FIELD', `${path}: expected one thing that it does`, TASKS.join(' or '))
  const [kind] = found
  return DECODERS[kind!](given[kind!], `${path}.${kind}`)
}
