import { commonType, type ExpressionType, isNumeric } from './column-type.ts'

/** What a function of single rows takes, and what comes of it. */
export interface SqlFunction {
  /** The type of the result; undefined where it does not take these. */
  readonly resultOf: (types: readonly ExpressionType[]) => ExpressionType | undefined
  /** Sums, differences, products and quotients: they mix values of several owners without comparing them. */
  readonly isArithmetic?: true
  /** Arguments that have to be constants of the template: texts among these. */
  readonly constants?: ReadonlyMap<number, readonly string[] | undefined>
}

const PARTS = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'dayofweek', 'isodow', 'dayofyear']
const UNITS = ['year', 'quarter', 'month', 'week', 'day', 'hour']

const arithmetic: SqlFunction = {
  resultOf: (types) =>
    types.length <= 2 && types.length > 0 && types.every(isNumeric) ? numeric(types) : undefined,
  isArithmetic: true,
}
const quotient: SqlFunction = {
  resultOf: (types) => (types.length === 2 && types.every(isNumeric) ? 'number' : undefined),
  isArithmetic: true,
}
const whole: SqlFunction = {
  resultOf: (types) =>
    types.length === 2 && types.every((type) => type === 'integer') ? 'integer' : undefined,
}
const words: SqlFunction = {
  resultOf: (types) => (types.length === 1 && types[0] === 'text' ? 'text' : undefined),
}
const pattern: SqlFunction = {
  resultOf: (types) => (types.length === 2 && types.every((type) => type === 'text') ? 'boolean' : undefined),
}
const part: SqlFunction = {
  resultOf: (types) => (types.length === 1 && isDay(types[0]!) ? 'integer' : undefined),
}
const toWhole: SqlFunction = {
  resultOf: (types) => (types.length === 1 && types.every(isNumeric) ? 'number' : undefined),
}

/** Every function that a template may call on single rows. None of them tells of anything but what it is given. */
export const FUNCTIONS: ReadonlyMap<string, SqlFunction> = new Map<string, SqlFunction>([
  ['+', arithmetic],
  ['-', arithmetic],
  [
    '*',
    { ...arithmetic, resultOf: (types) => (types.length === 2 ? arithmetic.resultOf(types) : undefined) },
  ],
  ['/', quotient],
  ['//', whole],
  ['%', whole],
  ['abs', { resultOf: (types) => (types.length === 1 && types.every(isNumeric) ? types[0] : undefined) }],
  [
    'round',
    {
      resultOf: (types) =>
        (types.length === 1 || (types.length === 2 && types[1] === 'integer')) && types.every(isNumeric)
          ? 'number'
          : undefined,
      constants: new Map([[1, undefined]]),
    },
  ],
  ['floor', toWhole],
  ['ceil', toWhole],
  ['ceiling', toWhole],
  ['lower', words],
  ['upper', words],
  ['trim', words],
  ['ltrim', words],
  ['rtrim', words],
  ['~~', pattern],
  ['!~~', pattern],
  ['year', part],
  ['quarter', part],
  ['month', part],
  ['day', part],
  [
    'date_part',
    {
      resultOf: (types) => (types.length === 2 && isDay(types[1]!) ? 'integer' : undefined),
      constants: new Map([[0, PARTS]]),
    },
  ],
  [
    'date_trunc',
    {
      resultOf: (types) => (types.length === 2 && isDay(types[1]!) ? types[1] : undefined),
      constants: new Map([[0, UNITS]]),
    },
  ],
  [
    'date_diff',
    {
      resultOf: (types) =>
        types.length === 3 && isDay(types[1]!) && isDay(types[2]!) ? 'integer' : undefined,
      constants: new Map([[0, UNITS]]),
    },
  ],
])

function numeric(types: readonly ExpressionType[]): ExpressionType | undefined {
  const type = types.reduce<ExpressionType | undefined>(
    (one, other) => (one === undefined ? undefined : commonType(one, other)),
    'null',
  )
  return type === 'null' ? undefined : type
}

function isDay(type: ExpressionType): boolean {
  return type === 'date' || type === 'timestamp'
}
