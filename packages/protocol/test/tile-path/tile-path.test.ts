import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { entryBundlePath, parseTilePath, tilePath } from '@sotto/protocol/tile-path'

const RUNS = process.env['SLOW'] ? 500 : 25

test('reads every path the verifiers write', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 63 }),
      fc.integer({ min: 0, max: 10 ** 12 }),
      fc.integer({ min: 1, max: 256 }),
      (level, index, width) => {
        expect(parseTilePath(tilePath({ level, index, width }).slice('tile/'.length))).toEqual({
          level,
          index,
          width,
        })
        expect(parseTilePath(entryBundlePath(index, width).slice('tile/'.length))).toEqual({
          level: 'entries',
          index,
          width,
        })
      },
    ),
    { numRuns: RUNS },
  )
})

test.each([
  '',
  '0',
  '0/',
  '0/1',
  '0/0001',
  '0/x000/001',
  '0/x001',
  '0/001/002',
  '00/001',
  '01/001',
  '64/000',
  '-1/000',
  'data/000',
  '0/000.p',
  '0/000.p/0',
  '0/000.p/01',
  '0/000.p/256',
  '0/000.p/1/2',
  '0/../../key',
  '0/000?x',
  '0/x001/x001/x001/x001/x001/x001/001',
])('refuses %j', (path) => {
  expect(parseTilePath(path)).toBeUndefined()
})
