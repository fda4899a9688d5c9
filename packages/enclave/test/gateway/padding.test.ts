import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { decodeResponse, encodeContentChunk, encodeEnd, encodeResponseStart } from '@sotto/protocol/bhttp'
import { paddedLength } from '@sotto/protocol/sizes'
import { padMessage } from '../../src/gateway/padding.ts'

const RUNS = process.env['SLOW'] ? 500 : 25

async function* parts(...all: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all
}

async function blocksOf(...message: Uint8Array[]): Promise<{ blocks: Uint8Array[]; finals: boolean[] }> {
  const all = await Array.fromAsync(padMessage(parts(...message)))
  return { blocks: all.map(({ bytes }) => bytes), finals: all.map(({ isFinal }) => isFinal) }
}

test.each([
  [0, [1024]],
  [1, [1024]],
  [1024, [1024]],
  [1025, [4096]],
  [4097, [16_384]],
  [16_384, [16_384]],
  [16_385, [16_384, 16_384, 16_384, 16_384]],
  [65_536, [16_384, 16_384, 16_384, 16_384]],
  [65_537, [16_384, 16_384, 16_384, 16_384, 2048]],
])('a message of %i bytes leaves in blocks of %j, the last one final', async (length, sizes) => {
  const message = crypto.randomBytes(length)
  for (const pieces of [[message], [message.subarray(0, 700), message.subarray(700)]]) {
    const { blocks, finals } = await blocksOf(...pieces)
    expect(blocks.map((block) => block.length)).toEqual(sizes)
    expect(finals).toEqual(sizes.map((_, index) => index === sizes.length - 1))
    const whole = Buffer.concat(blocks)
    expect(whole.subarray(0, length).equals(message)).toBe(true)
    expect(whole.subarray(length).every((byte) => byte === 0)).toBe(true)
  }
})

test('blocks are full but the last, the whole has its padded length, and padding changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 30_000 }), { maxLength: 6 }), async (sizes) => {
      const content = sizes.map((size, index) => new Uint8Array(size).fill(index + 1))
      const message = [
        encodeResponseStart({ status: 200, fields: [] }),
        ...content.flatMap((part) => encodeContentChunk(part)),
        encodeEnd(),
      ]
      const { blocks, finals } = await blocksOf(...message)
      expect(finals).toEqual(blocks.map((_, index) => index === blocks.length - 1))
      expect(blocks.slice(0, -1).every((block) => block.length === 16_384)).toBe(true)
      const whole = concat(...blocks)
      expect(whole.length).toBe(paddedLength(concat(...message).length))
      expect(concat(...decodeResponse([whole]).content)).toEqual(concat(...content))
    }),
    { numRuns: RUNS },
  )
})
