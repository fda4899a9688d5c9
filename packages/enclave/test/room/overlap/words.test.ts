import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wordsOf } from './words-of.ts'

/** The words of a whole text at once, by an expression of its own. */
function wordsAtOnce(text: string): string[] {
  const seen = text
    .normalize('NFKD')
    .replaceAll(/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]|(?![\s\u0085])\p{Cc}/gu, '')
  return (
    seen
      .toLowerCase()
      .toUpperCase()
      .match(
        /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|[\p{L}\p{N}]+?(?=[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|[^\p{L}\p{N}]|$)/gu,
      ) ?? []
  )
}

const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.constantFrom(
        'a',
        'ß',
        ' ',
        '\n',
        'ς',
        'σ',
        'Σ',
        '\u0301',
        '\u0338',
        'é',
        '\u200b',
        '漢',
        'か',
        'ｶﾞ',
        '\u3099',
      ),
      fc.constantFrom(
        'ไ',
        'ำ',
        '\u0e38',
        '한',
        'ᄒ',
        'ᅡ',
        '㍿',
        '𠮷',
        '😀',
        '\ud83d',
        '\ude00',
        '1',
        '．',
        'ﬁ',
        'İ',
        'և',
      ),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''))

describe('the words of a text', () => {
  it('are the same wherever it is cut', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 20 }), (whole, piece) => {
        expect(wordsOf(whole, piece)).toEqual(wordsAtOnce(whole))
        expect(wordsOf(whole)).toEqual(wordsAtOnce(whole))
      }),
    )
  })

  it('are the same with a cut before and after every character there is', () => {
    const around = ['a', 'Σ', '\u0301', 'か', 'ᄀ', '\u0e34', ' ']
    const characters: string[] = []
    for (let code = 0; code <= 0x10ffff; code++) {
      if (code < 0xd800 || code > 0xdfff) characters.push(String.fromCodePoint(code))
      // Planes from 4 to 13 have no characters.
      if (code === 0x3ffff) code = 0xdffff
    }
    for (let at = 0; at < characters.length; at += 4096) {
      const whole = characters
        .slice(at, at + 4096)
        .map((character, index) => character + around[index % around.length]!)
        .join('')
      const [cut, uncut] = [wordsOf(whole, 1), wordsOf(whole, Infinity)]
      expect(cut.join(' ') === uncut.join(' '), `from ${characters[at]}`).toBe(true)
    }
  })

  it('may be as long as the text', () => {
    const long = 'x'.repeat(1_000_000)
    expect(wordsOf(`a ${long}漢`)).toEqual(['A', long.toUpperCase(), '漢'])
    expect(wordsOf(long)).toEqual([long.toUpperCase()])
  })
})
