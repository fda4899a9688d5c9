import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  acceptedDataUseDecoder,
  BY_CONTRACT,
  DATA_TASKS,
  type DataUse,
  dataUseDecoder,
  describeDataUse,
  findDataUseExcess,
  isSameDataUse,
  NO_CONTENT,
} from '@sotto/protocol/data-use'

const USE: DataUse = { tasks: ['transcription', 'summarization'], retentionSeconds: 0, training: false }
const ACCEPTED = { tasks: [...DATA_TASKS], maxRetentionSeconds: 0, training: false }

describe('findDataUseExcess', () => {
  test.each([
    [{}, {}, undefined],
    [{}, { tasks: ['transcription'] }, 'uses content for summarization'],
    [{ retentionSeconds: 60 }, {}, 'keeps content for 60 s'],
    [{ retentionSeconds: 60 }, { maxRetentionSeconds: 60 }, undefined],
    [{ training: true }, {}, 'trains on content'],
    [{ training: true }, { training: true }, undefined],
    [{ tasks: [] }, { tasks: [] }, undefined],
  ])('%j under %j: %s', (declared, accepted, excess) => {
    expect(findDataUseExcess({ ...USE, ...declared } as DataUse, { ...ACCEPTED, ...accepted } as never)).toBe(
      excess,
    )
  })

  test('whoever accepts exactly what is declared finds no excess, and any less does', () => {
    const use = fc.record({
      tasks: fc.uniqueArray(fc.constantFrom(...DATA_TASKS), { minLength: 1 }),
      retentionSeconds: fc.integer({ min: 1, max: 1000 }),
      training: fc.constant(true),
    })
    fc.assert(
      fc.property(use, (declared) => {
        const exact = {
          tasks: declared.tasks,
          maxRetentionSeconds: declared.retentionSeconds,
          training: true,
        }
        expect(findDataUseExcess(declared, exact)).toBeUndefined()
        expect(findDataUseExcess(declared, { ...exact, tasks: exact.tasks.slice(1) })).toBeDefined()
        expect(findDataUseExcess(declared, { ...exact, training: false })).toBeDefined()
        const shorter = { ...exact, maxRetentionSeconds: exact.maxRetentionSeconds - 1 }
        expect(findDataUseExcess(declared, shorter)).toBeDefined()
      }),
    )
  })
})

test.each([
  ['an unknown task', { tasks: ['advertising'] }],
  ['a task twice', { tasks: ['transcription', 'transcription'] }],
  ['negative retention', { retentionSeconds: -1 }],
  ['a word for training', { training: 'no' }],
  ['an unknown member', { sharing: true }],
  ['receipts logged all the time', { receiptLogSeconds: 9 }],
  ['receipts logged less than once a day', { receiptLogSeconds: 86_401 }],
  ['no contract, at length', { byContract: false }],
  ['receipts logged, maybe', { receiptLogSeconds: false }],
])('refuses %s', (_, change) => {
  expect(() => dataUseDecoder({ ...USE, ...change }, 'dataUse')).toThrowError(
    expect.objectContaining({ code: 'JCS_FIELD' }) as Error,
  )
})

test('an accepted use is another document than a declared one', () => {
  expect(() => acceptedDataUseDecoder(USE, 'dataUse')).toThrowError(/dataUse/)
  expect(acceptedDataUseDecoder(ACCEPTED, 'dataUse')).toEqual(ACCEPTED)
})

test('says what it means', () => {
  expect(describeDataUse(USE)).toBe('transcription, summarization; nothing kept; no training')
  expect(describeDataUse({ tasks: [], retentionSeconds: 5, training: true })).toBe(
    'no content; kept 5 s; training',
  )
  expect(describeDataUse({ ...USE, receiptLogSeconds: 600 })).toBe(
    'transcription, summarization; nothing kept; no training; receipt digests logged every 600 s',
  )
  // Callers without the compiler's strictness write it like this.
  const unset = { ...USE, receiptLogSeconds: undefined as unknown as number }
  expect(describeDataUse(unset)).toBe(describeDataUse(USE))
})

test('a use by contract is declared, and exceeds nothing by itself', () => {
  expect(dataUseDecoder(BY_CONTRACT, 'dataUse')).toEqual(BY_CONTRACT)
  expect(describeDataUse(BY_CONTRACT)).toBe(
    'what contracts of its owners say; nothing else; nothing kept; no training',
  )
  expect(
    findDataUseExcess(BY_CONTRACT, { tasks: [], maxRetentionSeconds: 0, training: false }),
  ).toBeUndefined()
  expect([isSameDataUse(BY_CONTRACT, NO_CONTENT), isSameDataUse(BY_CONTRACT, { ...BY_CONTRACT })]).toEqual([
    false,
    true,
  ])
})

test('a logged receipt is declared or not, and is no use of content', () => {
  const declared = { ...USE, receiptLogSeconds: 600 }
  expect(dataUseDecoder(declared, 'dataUse')).toEqual(declared)
  expect(findDataUseExcess(declared, ACCEPTED)).toBeUndefined()
  expect(isSameDataUse(declared, declared)).toBe(true)
  expect(isSameDataUse(declared, USE)).toBe(false)
  expect(isSameDataUse(declared, { ...USE, receiptLogSeconds: 601 })).toBe(false)
})

test('order of tasks does not matter, anything else does', () => {
  expect(isSameDataUse(USE, { ...USE, tasks: USE.tasks.toReversed() })).toBe(true)
  expect(isSameDataUse(USE, { ...USE, tasks: ['transcription'] })).toBe(false)
  expect(isSameDataUse(USE, { ...USE, training: true })).toBe(false)
  expect(isSameDataUse(USE, { ...USE, retentionSeconds: 1 })).toBe(false)
})
