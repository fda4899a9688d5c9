import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chunkText } from '../../../src/engines/seq2seq/chunk-text.ts'

const words = (text: string): number => text.split(/\s+/).filter(Boolean).length

test('cuts at full stops, as many sentences a piece as fit', () => {
  const text = 'One two. Three four. Five six seven. Eight.'
  expect(chunkText(text, 4, words)).toEqual(['One two. Three four.', ' Five six seven. Eight.'])
})

test('cuts a sentence that is too long at its spaces', () => {
  expect(chunkText('a b c d e f g', 3, words).map((piece) => piece.trim())).toEqual(['a b c', 'd e f', 'g'])
})

test('cuts what has no spaces in halves, never inside a character', () => {
  const pieces = chunkText('😀'.repeat(8), 5, (piece) => piece.length)
  expect(pieces.every((piece) => piece.isWellFormed() && piece.length <= 5)).toBe(true)
})

test('gives nothing for a text of white space', () => {
  expect(chunkText(' \n ', 10, words)).toEqual([])
})

test('loses nothing but white space, and no piece is above the limit', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '.', '\n', '😀'), maxLength: 200 })
  fc.assert(
    fc.property(text, fc.integer({ min: 2, max: 20 }), (input, limit) => {
      const pieces = chunkText(input, limit, (piece) => piece.length)
      expect(pieces.join('').replaceAll(/\s/g, '')).toBe(input.replaceAll(/\s/g, ''))
      for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(limit)
    }),
    { numRuns: process.env['SLOW'] ? 500 : 25 },
  )
})
