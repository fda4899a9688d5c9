import type { TrainColumn } from '@sotto/protocol/contract'
import { COLUMN_NAME } from '@sotto/protocol/contract'
import { areDistinct, type Decoder, jcsError, label, list, members as object } from '@sotto/protocol/jcs'
import { table } from '../../../deploy/file/values.ts'
import { inUnits } from '../values.ts'

const MAX_FEATURES = 1024
const MAX_VALUES = 1024
const MAX_VALUE = 256
const MAX_DECIMALS = 9
/** Of bounds, in units: as many as doubles tell apart, with a bit to spare. */
const MAX_BOUND = 2 ** 52

const NUMBER = String.raw`-?\d{1,15}(?:\.\d{1,9})?`
const RANGE = new RegExp(`^(${NUMBER})\\.\\.(${NUMBER})$`)
const BOOLEANS = ['false', 'true']

/** What a column is, without its name: `0..100`, `boolean`, a list of values, or `{min, max}`. */
type About = Distribute<TrainColumn>
type Distribute<Column> = Column extends TrainColumn ? Omit<Column, 'column'> : never

/** A value as the file of a table has it. What YAML reads as a number may stand there in another way: 007, 1.0. */
const value: Decoder<string> = (given, path) => {
  if (typeof given === 'string') return label(MAX_VALUE)(given, path)
  throw jcsError(
    'JCS_FIELD',
    `${path}: expected text, as it stands in the table, so put it in quotes`,
    'text',
    `a ${given === null ? 'null' : typeof given}`,
  )
}

const values: Decoder<About> = (given, path) => {
  const found = list(value, 1, MAX_VALUES)(given, path)
  if (areDistinct(found)) return { kind: 'category', values: found }
  throw jcsError('JCS_FIELD', `${path}: a value stands there twice`)
}

const bounds: Decoder<About> = (given, path) => {
  const { min, max } = object<{ min: string; max: string }>({ min: written, max: written }, {})(given, path)
  return boundsOf(min, max, path)
}

/** A bound as it was written: how many decimals it has counts. */
const written: Decoder<string> = (given, path) => {
  const text = typeof given === 'number' ? String(given) : given
  if (typeof text === 'string' && new RegExp(`^${NUMBER}$`).test(text)) return text
  throw jcsError('JCS_FIELD', `${path}: expected a number of at most ${MAX_DECIMALS} places`)
}

/** Whole numbers of the finer of the two. */
function boundsOf(least: string, most: string, path: string): About {
  const decimals = Math.max(...[least, most].map((bound) => (bound.split('.')[1] ?? '').length))
  const [min, max] = [least, most].map((bound) => inUnits(bound, decimals))
  if (min === undefined || max === undefined || Math.max(Math.abs(min), Math.abs(max)) > MAX_BOUND)
    throw jcsError('JCS_FIELD', `${path}: bounds are too large for their decimals`)
  if (min < max) return { kind: 'number', min, max, decimals }
  throw jcsError('JCS_FIELD', `${path}: no number is within the bounds`)
}

const about: Decoder<About> = (given, path) => {
  if (Array.isArray(given)) return values(given, path)
  if (typeof given === 'object' && given !== null) return bounds(given, path)
  if (given === 'boolean') return { kind: 'category', values: BOOLEANS }
  const [, min, max] = (typeof given === 'string' && RANGE.exec(given)) || []
  if (min !== undefined && max !== undefined) return boundsOf(min, max, path)
  throw jcsError(
    'JCS_FIELD',
    `${path}: expected what the column has`,
    '0..100, 0.00..9.99, boolean, a list of values, or {min: 0, max: 100}',
  )
}

const columns: Decoder<TrainColumn[]> = (given, path) =>
  Object.entries(table(COLUMN_NAME, about, MAX_FEATURES)(given, path)).map(([column, what]) => ({
    column,
    ...what,
  }))

/** `features`: columns by name, in order. @throws `JCS_FIELD` */
export const featuresField: Decoder<TrainColumn[]> = (given, path) => {
  const found = columns(given, path)
  if (found.length > 0) return found
  throw jcsError('JCS_FIELD', `${path}: expected at least one column to learn from`)
}

/** `label`: the one column that is to be told, and of classes two or more. @throws `JCS_FIELD` */
export const labelField: Decoder<TrainColumn> = (given, path) => {
  const [only, ...more] = columns(given, path)
  if (only === undefined || more.length > 0)
    throw jcsError('JCS_FIELD', `${path}: expected the one column that is to be told`)
  if (only.kind === 'number' || only.values.length > 1) return only
  throw jcsError('JCS_FIELD', `${path}.${only.column}: a label has two classes or more`)
}
