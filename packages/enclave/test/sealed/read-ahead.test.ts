import { concat } from '@sotto/protocol/bytes'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readAhead } from '../../src/sealed/read-ahead.ts'

const numRuns = process.env['SLOW'] === '1' ? 500 : 60

test('a file is read once, in order, whatever its blocks and whatever is asked for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 4000 }),
      fc.integer({ min: 1, max: 700 }),
      fc.integer({ min: 1, max: 900 }),
      async (file, blockBytes, step) => {
        const asked: number[] = []
        const remote = readAhead({
          bytes: file.length,
          blockBytes,
          async fetchRange(start, length) {
            asked.push(start)
            return file.slice(start, start + length)
          },
        })
        const parts: Uint8Array[] = []
        for (let at = 0; at < file.length; at += step) parts.push((await remote.read(at, step)).slice())
        expect(concat(...parts)).toEqual(file)
        expect(asked).toEqual([...new Set(asked)])
        expect(asked).toHaveLength(Math.ceil(file.length / blockBytes))
      },
    ),
    { numRuns },
  )
})

test('several ranges are under way at once, and never many', async () => {
  let [running, most] = [0, 0]
  const file = new Uint8Array(64)
  const remote = readAhead({
    bytes: 64,
    blockBytes: 1,
    async fetchRange(start, length) {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      return file.slice(start, start + length)
    },
  })
  for (let at = 0; at < 64; at++) await remote.read(at, 1)
  expect(most).toBe(4)
})

test('what is not wanted any more is stopped', async () => {
  const signals: AbortSignal[] = []
  const remote = readAhead({
    bytes: 100,
    blockBytes: 10,
    fetchRange: (_, __, signal) => {
      signals.push(signal)
      return new Promise(() => undefined)
    },
  })
  remote.close()
  expect(signals.length).toBe(4)
  expect(signals.every(({ aborted }) => aborted)).toBe(true)
})

test('a range that is shorter than it was asked for is no range', async () => {
  const remote = readAhead({ bytes: 100, blockBytes: 30, fetchRange: async () => new Uint8Array(29) })
  await expect(remote.read(0, 10)).rejects.toThrow('29 bytes instead of 30')
})
