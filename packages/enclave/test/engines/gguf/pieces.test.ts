import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isOnePiece, piecesOf } from '../../../src/engines/gguf/pieces.ts'

/** The longest stretch of what is all space or all no space. */
const longestRun = (text: string): number =>
  Math.max(0, ...Array.from(text.matchAll(/\s+|\S+/g), ([run]) => run.length))

describe('pieces of a text', () => {
  const unit = fc.constantFrom('a', '1', '\u{1f600}', '\ud800', '\udc00', '\n', ' ', '!\n', 'a ')
  const run = fc.tuple(unit, fc.nat(20_000)).map(([one, count]) => one.repeat(count))
  const text = fc.array(run, { maxLength: 5 }).map((runs) => runs.join(''))

  it('property: are the text, hold no long run, and end in no character', () => {
    fc.assert(
      fc.property(text, (given) => {
        const pieces = [...piecesOf(given)]
        expect(pieces.join('')).toBe(given)
        for (const piece of pieces) expect(longestRun(piece)).toBeLessThanOrEqual(8192)
        if (given.isWellFormed()) expect(pieces.every((piece) => piece.isWellFormed())).toBe(true)
      }),
    )
  })

  it('property: are one where the text holds no long run, however long it is', () => {
    fc.assert(
      fc.property(text, (given) => {
        const isOne = longestRun(given) <= 8192
        expect([...piecesOf(given)].length <= 1).toBe(isOne)
        expect(isOnePiece(given)).toBe(isOne)
      }),
    )
  })

  it.each(['\u00a0 ', '\u3000\n', 'a\ufeff', 'a\u2003', '\u0085 ', '\u001f '])(
    'count what may be space or none as both: %j',
    (unit) => {
      const text = unit.repeat(8192)
      expect(isOnePiece(text)).toBe(false)
      expect(Array.from(piecesOf(text), (piece) => piece.length)).toEqual([8192, 8192])
    },
  )

  it('are cut at lines alone where spaces join words', () => {
    expect(isOnePiece('a '.repeat(10_000), true)).toBe(false)
    expect(isOnePiece('a '.repeat(10_000), false)).toBe(true)
    expect(isOnePiece(`${'a '.repeat(4000)}\n`.repeat(10), true)).toBe(true)
  })
})
