import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { decodeResponse, encodeContentChunk, encodeEnd, encodeResponseStart } from '@sotto/protocol/bhttp'
import { paddedLength, padMessage } from '../../src/gateway/padding.ts'

const RUNS = process.env['SLOW'] ? 500 : 25

async function* parts(...all: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all
}

test('blocks are full but the last, the whole has its padded length, and padding changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 30_000 }), { maxLength: 6 }), async (sizes) => {
      const content = sizes.map((size, index) => new Uint8Array(size).fill(index + 1))
      const message = [
        encodeResponseStart({ status: 200, fields: [] }),
        ...content.flatMap((part) => encodeContentChunk(part)),
        encodeEnd(),
      ]
      const blocks: Uint8Array[] = []
      for await (const block of padMessage(parts(...message))) blocks.push(block)
      expect(blocks.slice(0, -1).every((block) => block.length === 16_384)).toBe(true)
      const whole = concat(...blocks)
      expect(whole.length).toBe(paddedLength(concat(...message).length))
      expect(concat(...decodeResponse([whole]).content)).toEqual(concat(...content))
    }),
    { numRuns: RUNS },
  )
})

test('lengths fall into few buckets, at a bounded price', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 32 }), (length) => {
      const padded = paddedLength(length)
      expect(padded).toBeGreaterThanOrEqual(length)
      expect(padded - length).toBeLessThan(Math.max(49_152, 0.12 * length))
      expect(padded - length).toBeLessThan(2 ** 20)
      expect(paddedLength(padded)).toBe(padded)
    }),
    { numRuns: RUNS },
  )
  expect([1, 1024, 1025, 16_384, 16_385, 65_536].map(paddedLength)).toEqual([
    1024, 1024, 4096, 16_384, 65_536, 65_536,
  ])
})
