import { describe, expect, it } from 'vitest'
import { wordErrorRate } from '../../src/demo/wer.ts'

describe('word error rate', () => {
  it.each([
    ['one two three', 'One, two; three!', 0],
    ['one two three', 'one three', 1 / 3],
    ['one two three', 'one to three four', 2 / 3],
    ['one', '', 1],
    ['', '', 0],
  ])('of %j heard as %j is %d', (reference, hypothesis, expected) => {
    expect(wordErrorRate(reference, hypothesis)).toBeCloseTo(expected)
  })
})
