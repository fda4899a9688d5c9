import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { TokenText } from '../../../src/engines/gguf/token-text.ts'

const RUNS = process.env.SLOW ? 500 : 25

/** Every byte is a token, as in the fallback of real tokenizers. */
const byteTokens = (tokens: readonly number[]): string => new TextDecoder().decode(Uint8Array.from(tokens))

function pieces(bytes: Iterable<number>): string[] {
  const text = new TokenText(byteTokens, [])
  const found = [...bytes].map((byte) => text.push(byte))
  return [...found, text.flush()]
}

it('waits for the last byte of a character', () => {
  expect(pieces(new TextEncoder().encode('é€😀'))).toEqual(['', 'é', '', '', '€', '', '', '', '😀', ''])
})

it('does not wait for ever for a character that never comes', () => {
  expect(pieces([0xf0, 0x41]).join('')).toBe('\uFFFDA')
  expect(pieces([0xe2, 0x82]).join('')).toBe('\uFFFD')
  expect(pieces([0xff, 0xff, 0xff, 0xff, 0xff, 0x42]).join('')).toMatch(/^\uFFFD+B$/)
})

it('property: the pieces of any text are that text, and no piece ends inside a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (text) => {
      const found = pieces(new TextEncoder().encode(text))
      expect(found.join('')).toBe(text)
      if (!text.includes('\uFFFD'))
        expect(found.every((piece) => piece.isWellFormed() && !piece.includes('\uFFFD'))).toBe(true)
    }),
    { numRuns: RUNS },
  )
})

it('tells the tokenizer what came before', () => {
  const seen: number[][] = []
  const text = new TokenText(
    (tokens, before) => {
      seen.push([...before])
      return String(tokens)
    },
    [1, 2, 3],
  )
  text.push(4)
  text.push(5)
  expect(seen).toEqual([
    [1, 2, 3],
    [1, 2, 3, 4],
  ])
})
