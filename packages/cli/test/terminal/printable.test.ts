import { describe, expect, it } from 'vitest'
import { printable, printableJson, printableLine } from '../../src/terminal/index.ts'

const code = (character: string): string => `U+${character.codePointAt(0)!.toString(16).toUpperCase()}`

const BIDI = [...'\u061C\u200E\u200F\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069']
const FORMAT = [...'\u00AD\u200B\u2060\u2064\uFEFF\uFFF9\u{E0041}\u{E007F}']
const CONTROL = [...'\0\u0007\b\v\f\r\u001B\u007F\u0085\u009B']
const SEPARATORS = [...'\u2028\u2029']

describe('text of others', () => {
  it.each([...BIDI, ...FORMAT, ...CONTROL, ...SEPARATORS].map((one) => [code(one), one]))(
    'reaches no terminal with %s',
    (_name, character) => {
      for (const print of [printable, printableLine]) expect(print(`a${character}b`)).toBe('a\uFFFDb')
      const json = printableJson({ text: `a${character}b` }, 2)
      expect([json.includes(character), JSON.parse(json)]).toEqual([false, { text: `a${character}b` }])
    },
  )

  it('keeps letters of every script', () => {
    const text = 'naïve, Ελλάδα, 日本, עברית, عربي, हिन्दी, 🙂, e\u0301'
    expect([printable(text), printableLine(text)]).toEqual([text, text])
  })

  it('keeps its lines, and the joiners that Persian and emoji need, where it is a text and no line of ours', () => {
    expect(printable('می\u200Cخواهم\t👩\u200D💻\n')).toBe('می\u200Cخواهم\t👩\u200D💻\n')
    expect(printableLine('admin\u200C\t\u200D\nok')).toBe('admin\uFFFD \uFFFD ok')
  })
})
