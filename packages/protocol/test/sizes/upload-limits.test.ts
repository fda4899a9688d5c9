import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  DEFAULT_UPLOAD_BYTES,
  MAX_UPLOAD_BYTES,
  MIN_UPLOAD_BYTES,
  paddedLength,
  uploadLimits,
} from '../../src/sizes/index.ts'

const RUNS = process.env['SLOW'] ? 500 : 50
const MIB = 2 ** 20

/** Bytes of an encapsulated request: content in pieces, head and fields around it, padding, 16 KiB chunks, header. */
function encapsulated(content: number, piece: number, around: number): number {
  const padded = paddedLength(around + content + Math.ceil(content / piece) * 4)
  return 2048 + padded + Math.ceil(padded / 16_384) * 20
}

test('a file of the limit passes everybody, whatever the fields around it and the pieces it came in', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: MIN_UPLOAD_BYTES, max: MAX_UPLOAD_BYTES }),
      fc.integer({ min: 512, max: 65_536 }),
      fc.integer({ min: 300, max: MIB }),
      (file, piece, around) => {
        const { fileBytes, messageBytes } = uploadLimits(file)
        expect(fileBytes).toBe(file)
        expect(encapsulated(file, piece, around)).toBeLessThanOrEqual(messageBytes)
        // One that is a little too large still reaches the API, which says so.
        expect(encapsulated(file + 8 * MIB, piece, around)).toBeLessThanOrEqual(messageBytes)
      },
    ),
    { numRuns: RUNS },
  )
})

test.each([MIN_UPLOAD_BYTES, 5 * MIB, DEFAULT_UPLOAD_BYTES, MAX_UPLOAD_BYTES])(
  'a limit of %i bytes lets little more pass, and never less than a JSON body',
  (file) => {
    const { messageBytes } = uploadLimits(file)
    expect(messageBytes).toBeLessThan(Math.max(file, 16 * MIB) * 1.04 + 20 * MIB)
    expect(messageBytes).toBeGreaterThan(encapsulated(16 * MIB, 65_536, 2000))
  },
)

test('is 256 MiB where nobody says another', () => {
  expect(uploadLimits()).toEqual(uploadLimits(256 * MIB))
})
