import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LongestPassage } from '../../../src/room/overlap/longest-passage.ts'
import { wordsOf } from './words-of.ts'

function longest(text: string, ...others: string[]): number {
  const passage = new LongestPassage()
  passage.add(wordsOf(text))
  for (const other of others) {
    passage.startNext()
    passage.read(wordsOf(other))
  }
  return passage.longest
}

/** The same by looking everywhere. */
function longestBySearch(text: string, others: readonly string[]): number {
  const own = wordsOf(text)
  let found = 0
  for (const other of others.map((other) => wordsOf(other)))
    for (let a = 0; a < own.length; a++)
      for (let b = 0; b < other.length; b++) {
        let length = 0
        while (
          a + length < own.length &&
          own[a + length] !== undefined &&
          own[a + length] === other[b + length]
        )
          length++
        found = Math.max(found, length)
      }
  return found
}

const INPUT = 'The patient, aged 54, was admitted on Monday with chest pain; he left against advice.'

describe('the longest passage that a text repeats', () => {
  it.each([
    ['nothing in common', 'Cardiology is busy.', 0],
    ['a word here and there', 'A patient had pain.', 1],
    ['a sentence that was copied', 'Summary: he left against advice.', 4],
    ['all of it', INPUT, 15],
    ['case', 'WAS ADMITTED ON MONDAY', 4],
    ['punctuation and spaces between words', 'was - admitted,\n\n  on (Monday)', 4],
    ['line breaks within a passage', 'chest\r\npain he\tleft', 4],
    ['full-width and other compatible forms', 'ｗａｓ ａｄｍｉｔｔｅｄ ｏｎ Ｍｏｎｄａｙ', 4],
    ['a passage in the middle of other words', 'indeed with chest pain he left quickly', 5],
  ])('%s', (_, text, words) => {
    expect(longest(text, INPUT)).toBe(words)
  })

  it('is looked for in every text, and does not go on from one to the next', () => {
    expect(longest('one two three four', 'zero one two', 'three four five')).toBe(2)
  })

  it('counts characters where a script has no spaces', () => {
    expect(longest('患者は胸の痛みを訴えた', '昨日、患者は胸が痛いと言った')).toBe(4)
  })

  it('signs that nobody sees, and accents, do not cut a passage', () => {
    expect(longest('he l\u200beft aga\u00adinst ad\ufe0fvice', 'he left against advice')).toBe(4)
    expect(longest('cafe\u0301 in the morning', 'café in the morning')).toBe(4)
    expect(longest('cafe in the morning', 'café in the morning')).toBe(4)
  })

  it('is what a search everywhere finds', () => {
    const word = fc.constantFrom('a', 'b', 'c', 'd')
    const text = fc.array(word, { maxLength: 40 }).map((words) => words.join(' '))
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 4 }), (own, others) => {
        expect(longest(own, ...others)).toBe(longestBySearch(own, others))
      }),
    )
  })

  it('takes time in proportion to what is read, repeated words or not', () => {
    const many = 'a '.repeat(50_000)
    expect(longest(many, many)).toBe(50_000)
  })
})
