import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { findSecrets, piecesOf, slicesOf } from '../../src/demo/seen.ts'
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

describe('the search for secrets', () => {
  const secrets = {
    request: piecesOf('a sentence that nobody else may read'),
    answer: [utf8('the answer!!')],
    inner: [utf8('/v1/')],
    client: [],
    weights: [],
  }

  it('finds what stands in the clear, across chunks joined together', () => {
    expect(findSecrets([Buffer.from('xx a sentence that nobody else may read xx')], secrets)).toMatchObject({
      request: true,
      answer: false,
    })
  })

  it('finds nothing in bytes that do not hold it', () => {
    expect(Object.values(findSecrets([Buffer.from('nothing here')], secrets))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ])
  })

  it('takes no slice that is the same byte over and over', () => {
    expect(slicesOf(new Uint8Array(1000))).toEqual([])
    expect(slicesOf(Uint8Array.from({ length: 1000 }, (_, i) => i * 7))).toHaveLength(4)
  })
})
