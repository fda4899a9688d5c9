import { SottoError } from '@sotto/protocol/errors'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { roomTrainError } from '../../../src/train/errors.ts'
import {
  decodeFailure,
  describeFailure,
  errorOf,
  GRAPH_FAULTS,
  type Places,
} from '../../../src/train/process/failure.ts'

const PLACES: Places = new Map<string, readonly string[] | 'text'>([
  ['bank', ['age', 'sum']],
  ['shop', ['kind']],
  ['notes', 'text'],
])

describe('a failure in the process', () => {
  it.each([
    [
      roomTrainError('ROOM_TRAIN_TYPE', 'table bank holds in column age what is no integer'),
      { code: 'ROOM_TRAIN_TYPE', table: 'bank', column: 'age' },
    ],
    [
      roomTrainError('ROOM_TRAIN_SETTINGS', 'the feature of column sum has no bounds'),
      { code: 'ROOM_TRAIN_SETTINGS', column: 'sum' },
    ],
    [
      roomTrainError('ROOM_TRAIN_GRAPH', 'the graph is none', { found: 'GRAPH_SHAPE' }),
      { code: 'ROOM_TRAIN_GRAPH', fault: 'GRAPH_SHAPE' },
    ],
    [
      roomTrainError('ROOM_TRAIN_TEXT', 'text notes is no UTF-8'),
      { code: 'ROOM_TRAIN_TEXT', table: 'notes' },
    ],
    [roomTrainError('ROOM_TRAIN_TOO_LARGE', 'it is', { found: '17 rows' }), { code: 'ROOM_TRAIN_TOO_LARGE' }],
    [new RangeError('Array buffer allocation failed'), { code: 'ROOM_TRAIN_MEMORY' }],
    [new RangeError('Invalid array length'), { code: 'ROOM_TRAIN_MEMORY' }],
    [
      roomTrainError('ROOM_TRAIN_GRAPH', 'it failed', { cause: new Error('std::bad_alloc') }),
      { code: 'ROOM_TRAIN_MEMORY' },
    ],
    [new SottoError('JCS_FIELD', 'fix-input', 'of table bank'), { code: 'ROOM_TRAIN_CRASHED' }],
    [new TypeError('secret'), { code: 'ROOM_TRAIN_CRASHED' }],
    ['secret', { code: 'ROOM_TRAIN_CRASHED' }],
  ])('is said by its code and names: %s', (error, failure) => {
    expect(describeFailure(error)).toEqual(failure)
  })
})

describe('a failure that a process says', () => {
  it.each([null, 1, 'SECRET', 'toString', '__proto__', 'ROOM_TASK', ['ROOM_TRAIN_TYPE']])(
    'is none with the code %j',
    (code) => {
      expect(decodeFailure({ code })).toBe(undefined)
    },
  )

  it('says of whatever comes only what is ours and the contract\u2019s', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('bank', 'shop', 'notes', 'age', 'kind', ...GRAPH_FAULTS),
    )
    const any = fc.oneof(word, fc.anything())
    const ours =
      /^[a-z, ;]+(?:CSV or JSON Lines of the columns that the contract states)?(?:, table (?:bank|shop)|, text notes)?(?:, column (?:age|sum|kind))?(?:, (?:GRAPH|ONNX|GGUF)_[A-Z_]+)?$/
    fc.assert(
      fc.property(
        fc.record({
          code: fc.constantFrom('ROOM_TRAIN_GRAPH', 'ROOM_TRAIN_TYPE', 'ROOM_TRAIN_FORMAT'),
          table: any,
          column: any,
          fault: any,
          message: any,
        }),
        (said) => {
          const error = errorOf(decodeFailure(said)!, PLACES)
          expect(error.message).toMatch(ours)
          expect(error).toMatchObject({ code: said.code })
          expect(error.cause).toBe(undefined)
        },
      ),
    )
  })

  it('names no column of another table', () => {
    const failure = { code: 'ROOM_TRAIN_TYPE', table: 'shop', column: 'age' } as const
    expect(errorOf(failure, PLACES).message).toMatch(/, table shop$/)
  })

  it('names no column of texts', () => {
    const failure = { code: 'ROOM_TRAIN_TEXT', table: 'notes', column: 'age' } as const
    expect(errorOf(failure, PLACES).message).toMatch(/, text notes$/)
  })
})
