import {
  areDistinct,
  base64url,
  boolean,
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
  type Column,
  COLUMN_TYPES,
  CONTRACT_NAME,
  INPUT_KINDS,
  MAX_COLUMNS,
  MAX_PARTIES,
  OUTPUT_PARTS,
  type Rules,
} from '@sotto/protocol/contract'
import { table } from '../../deploy/file/values.ts'
import { timeField } from '../../input/index.ts'
import { taskOf, TASKS } from './task-fields.ts'
import type { Draft, DraftInput, DraftOutput, DraftTransform, DraftUse } from './types.ts'
import { bytes, decimal, epsilon } from './values.ts'

const MAX_INPUTS = 64
const MAX_TRANSFORMS = 32
const MAX_OUTPUTS = 64
const MAX_RUNS = 1_000_000
const MAX_EPSILON_MICROS = 1_000_000_000
const MAX_DELTA_TRILLIONTHS = 1_000_000_000_000
const MAX_DAYS = 3660
const DEFAULT_DAYS = 90

const name = text(32, CONTRACT_NAME)
const column = text(63, COLUMN_NAME)

/** Names that stand once. */
function names(min: number, max: number, one: Decoder<string> = name): Decoder<string[]> {
  const all = list(one, min, max)
  return (value, path) => {
    const found = all(value, path)
    if (areDistinct(found)) return found
    throw jcsError('JCS_FIELD', `${path}: a name stands there twice`)
  }
}

/** At least one named value. */
function named<T>(item: Decoder<T>, max: number): Decoder<Record<string, T>> {
  const all = table(CONTRACT_NAME, item, max)
  return (value, path) => {
    const found = all(value, path)
    if (Object.keys(found).length > 0) return found
    throw jcsError('JCS_FIELD', `${path}: expected at least one`)
  }
}

const columns: Decoder<Column[]> = (value, path) =>
  Object.entries(table(COLUMN_NAME, oneOf(...COLUMN_TYPES), MAX_COLUMNS)(value, path)).map(([of, type]) => ({
    name: of,
    type,
  }))

const use: Decoder<DraftUse> = (value, path) => {
  const given = partial<{ runs?: number; epsilon?: number; delta?: number }>({
    runs: integer(1, MAX_RUNS),
    epsilon: epsilon(MAX_EPSILON_MICROS),
    delta: decimal(12, 1, MAX_DELTA_TRILLIONTHS),
  })(value, path)
  return { runs: given.runs, epsilonMicros: given.epsilon, deltaTrillionths: given.delta }
}

const rules: Decoder<Rules> = (value, path) => {
  const { receivers, min_contributors, max_common_words, ...given } = object<{
    receivers: string[]
    forbidden?: string[]
    min_contributors?: number
    contributor?: string
    noisy?: boolean
    max_common_words?: number
    review?: boolean
  }>(
    { receivers: names(1, MAX_PARTIES) },
    {
      forbidden: names(0, MAX_COLUMNS, column),
      min_contributors: integer(1, 1_000_000),
      contributor: column,
      noisy: boolean(),
      max_common_words: integer(0, 1_000_000),
      review: boolean(),
    },
  )(value, path)
  return {
    receivers,
    forbidden: [],
    minContributors: min_contributors ?? 1,
    noisy: false,
    review: false,
    ...given,
    ...(max_common_words !== undefined && { maxCommonWords: max_common_words }),
  }
}

const input: Decoder<DraftInput> = (value, path) => {
  const given = object<Pick<DraftInput, 'owner' | 'kind' | 'rules'> & Partial<DraftInput>>(
    { owner: name, kind: oneOf(...INPUT_KINDS), rules },
    { columns, content: hex(32), uses: named(use, MAX_TRANSFORMS) },
  )(value, path)
  return { columns: undefined, content: undefined, uses: undefined, ...given }
}

const transform: Decoder<DraftTransform> = (value, path) => {
  const { reads, room, ...tasks } = object<{ reads: string[]; room?: string[]; [task: string]: unknown }>(
    { reads: names(1, MAX_INPUTS) } as never,
    {
      room: names(1, 8, hex(32)),
      ...Object.fromEntries(TASKS.map((kind) => [kind, (task: unknown) => task])),
    } as never,
  )(value, path)
  return { reads, room, task: taskOf(tasks, path) }
}

const output: Decoder<DraftOutput> = (value, path) => {
  const { from, part, receivers, max_bytes } = object<{
    from: string
    part?: DraftOutput['part']
    receivers: string[]
    max_bytes: number
  }>(
    { from: name, receivers: names(1, MAX_PARTIES), max_bytes: bytes(1, 2 ** 32) },
    { part: oneOf(...OUTPUT_PARTS) },
  )(value, path)
  return { from, part, receivers, maxBytes: max_bytes }
}

/** Decodes a {@link Draft}, without its path. @throws `JCS_FIELD` with the path of the member */
export const draftFields: Decoder<Omit<Draft, 'path'>> = (value, path) => {
  const given = object<
    Pick<Draft, 'title' | 'parties' | 'inputs' | 'transforms' | 'outputs'> & {
      consent?: Partial<Draft['consent']>
      valid?: { from?: number; days?: number }
      salt?: string
    }
  >(
    {
      title: label(64),
      parties: names(1, MAX_PARTIES),
      inputs: named(input, MAX_INPUTS),
      transforms: named(transform, MAX_TRANSFORMS),
      outputs: named(output, MAX_OUTPUTS),
    },
    {
      consent: partial<Partial<Draft['consent']>>({ logging: boolean(), telemetry: boolean() }),
      valid: partial<{ from?: number; days?: number }>({
        from: timeField('00:00:00', false),
        days: integer(1, MAX_DAYS),
      }),
      salt: base64url(32),
    },
  )(value, path)
  return {
    ...given,
    consent: { logging: true, telemetry: true, ...given.consent },
    valid: { from: given.valid?.from, days: given.valid?.days ?? DEFAULT_DAYS },
    salt: given.salt,
  }
}
