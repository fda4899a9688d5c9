import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Chance, encodeTexts, splitTexts, type Tokenizer } from '../../src/train/index.ts'

/** Letters are tokens, by their place in the alphabet. */
const letters = (over: Partial<Tokenizer> = {}): Tokenizer => ({
  tokenize: (text) => [...text].map((letter) => letter.charCodeAt(0) - 96),
  ...over,
})
const WHOLE = letters({ begin: 100, end: 101 })

const windowsOf = (texts: string[], tokenizer: Tokenizer, sequence: number): number[][][] => {
  const { rows, tokens, targets } = encodeTexts('letters', texts, tokenizer, sequence)
  return Array.from({ length: rows }, (_, row) =>
    [tokens, targets].map((all) => [...all.subarray(row * sequence, (row + 1) * sequence)]),
  )
}

describe('windows of texts', () => {
  it('each begin like a context, and tell each token once', () => {
    expect(windowsOf(['abcde', 'f'], WHOLE, 4)).toEqual([
      [
        [100, 1, 2, 3],
        [1, 2, 3, 4],
      ],
      [
        [100, 5, 0, 0],
        [5, 101, -1, -1],
      ],
      [
        [100, 6, 0, 0],
        [6, 101, -1, -1],
      ],
    ])
  })

  it('of a model without a beginning begin with the last token of the one before', () => {
    expect(windowsOf(['abcde', 'f'], letters(), 2)).toEqual([
      [
        [1, 2],
        [2, 3],
      ],
      [
        [3, 4],
        [4, 5],
      ],
    ])
  })

  it('are none of a text of nothing, which is a unit all the same', () => {
    const part = encodeTexts('letters', ['', 'ab', ''], WHOLE, 2)
    expect(part.rows).toBe(2)
    expect([0, 1, 2].map((unit) => [...part.units.rowsOf(unit)])).toEqual([[], [0, 1], []])
    expect(part.units.count).toBe(3)
  })

  it('property: tell every token of every text in order, whatever their length', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), maxLength: 30 })
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 5 }),
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        (texts, sequence, isWhole) => {
          const tokenizer = isWhole ? WHOLE : letters()
          const part = encodeTexts('letters', texts, tokenizer, sequence)
          for (const [unit, one] of texts.entries()) {
            const told = [...part.units.rowsOf(unit)].flatMap((row) => {
              const [tokens, targets] = [part.tokens, part.targets].map((all) => [
                ...all.subarray(row * sequence, (row + 1) * sequence),
              ]) as [number[], number[]]
              const length = targets.filter((target) => target >= 0).length
              expect(targets.slice(length).every((target) => target === -1)).toBe(true)
              // What is told is what stands next.
              expect(tokens.slice(1, length)).toEqual(targets.slice(0, length - 1))
              return targets.slice(0, length)
            })
            const all = [...tokenizer.tokenize(one)]
            expect(told).toEqual(isWhole ? [...all, ...(all.length > 0 ? [101] : [])] : all.slice(1))
          }
        },
      ),
    )
  })

  it('are not more than a run could read', () => {
    const endless = letters({ tokenize: () => ({ length: 2 ** 29, slice: () => [1, 1] }) as never })
    expect(() => encodeTexts('letters', ['a'], endless, 2 ** 20)).toThrow(
      expect.objectContaining({ code: 'ROOM_TRAIN_TOO_LARGE', action: 'fix-input' }),
    )
  })
})

describe('texts to measure with', () => {
  const texts = Array.from({ length: 1000 }, (_, at) => `text ${at}`)
  const chance = new Chance(new Uint8Array(32).fill(3))

  it('are about as many as asked for, each on one side, and the same again', () => {
    const { train, held } = splitTexts(texts, 200_000_000, chance, 0)
    expect([...train, ...held].toSorted()).toEqual(texts.toSorted())
    expect(held.length).toBeGreaterThan(150)
    expect(held.length).toBeLessThan(250)
    expect(splitTexts(texts, 200_000_000, chance, 0).held).toEqual(held)
    expect(splitTexts(texts, 200_000_000, chance, 1).held).not.toEqual(held)
  })

  it('are none, or all', () => {
    expect(splitTexts(texts, 0, chance, 0).held).toEqual([])
    expect(splitTexts(texts, 1_000_000_000, chance, 0).train).toEqual([])
  })
})
