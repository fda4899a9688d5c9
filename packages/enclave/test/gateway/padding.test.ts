import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { decodeResponse, encodeContentChunk, encodeEnd, encodeResponseStart } from '@sotto/protocol/bhttp'
import { paddedLength } from '@sotto/protocol/ohttp'
import { padMessage } from '../../src/gateway/padding.ts'

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
