import { expect, test } from 'vitest'
import { FIRST_BYTES, GrowingBytes } from '../../src/ram/growing-bytes.ts'

test('bytes are in one array that doubles, and ends at the bound', () => {
  const holds: number[] = []
  const bytes = new GrowingBytes(3 * FIRST_BYTES, (more) => void holds.push(more))
  for (let at = 0; at < 3; at++) bytes.add(new Uint8Array(FIRST_BYTES).fill(at))
  expect(holds).toEqual([FIRST_BYTES, FIRST_BYTES, FIRST_BYTES])
  const read = bytes.bytes()
  expect([read.length, read.buffer.byteLength]).toEqual([3 * FIRST_BYTES, 3 * FIRST_BYTES])
  expect(
    [0, 1, 2].every((at) => read[at * FIRST_BYTES] === at && read[(at + 1) * FIRST_BYTES - 1] === at),
  ).toBe(true)
  expect(() => bytes.add(new Uint8Array(1))).toThrow(RangeError)
  expect(() => bytes.reserve(3 * FIRST_BYTES + 1)).toThrow(RangeError)
  expect([bytes.length, holds.length]).toEqual([3 * FIRST_BYTES, 3])
})

test('what was reserved is taken once', () => {
  const holds: number[] = []
  const bytes = new GrowingBytes(100, (more) => void holds.push(more))
  bytes.reserve(7)
  bytes.reserve(3)
  bytes.add(new Uint8Array([1, 2, 3]))
  bytes.add(new Uint8Array([4, 5, 6, 7]))
  expect([holds, [...bytes.bytes()]]).toEqual([[7], [1, 2, 3, 4, 5, 6, 7]])
})

test('without memory for it a piece is not taken, and what is there stays', () => {
  let left = FIRST_BYTES
  const bytes = new GrowingBytes(4 * FIRST_BYTES, (more) => {
    if (more > left) throw new Error('full')
    left -= more
  })
  bytes.add(new Uint8Array([9]))
  expect(() => bytes.add(new Uint8Array(FIRST_BYTES))).toThrow('full')
  expect([...bytes.bytes()]).toEqual([9])
})
