import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { both, type Dfa, dfaOf, dfaOfLength, restricted } from '../../../src/engines/json-schema/regex/dfa.ts'
import { matches, nfaOf } from '../../../src/engines/json-schema/regex/nfa.ts'
import { parseRegex } from '../../../src/engines/json-schema/regex/parse.ts'
import { EVERY, isIn } from '../../../src/engines/json-schema/regex/ranges.ts'

const run = (dfa: Dfa, text: string): boolean => {
  let state: number | undefined = dfa.length > 0 ? 0 : undefined
  for (const character of text)
    state = state === undefined ? undefined : moveOf(dfa, state, character.codePointAt(0)!)
  return state !== undefined && dfa[state]!.isEnd
}
const moveOf = (dfa: Dfa, state: number, code: number): number | undefined => {
  const fitting = dfa[state]!.moves.filter(({ set }) => isIn(code, set))
  expect(fitting.length).toBeLessThan(2)
  return fitting[0]?.to
}
const atoms = fc.constantFrom(
  'a',
  'b',
  'c',
  '.',
  '\\d',
  '\\w',
  '\\S',
  '[ab]',
  '[^ab]',
  '[a-c1-3]',
  '\\.',
  '\\u0062',
  '\\x61',
  '\u{1F600}',
  '\\u{1F600}',
  '[\u{1F600}-\u{1F602}]',
  '[^\\w]',
  '[\\d-]',
  '\\n',
  '\\ud83d\\ude00',
  '[\\]b-]',
)
const { body } = fc.letrec<{ body: string }>((tie) => ({
  body: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atoms,
    fc.tuple(tie('body'), tie('body')).map(([a, b]) => a + b),
    fc.tuple(tie('body'), tie('body')).map(([a, b]) => `(${a}|${b})`),
    tie('body').map((one) => `(?:${one})`),
    fc
      .tuple(tie('body'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{0,2}', '{2,}', '*?', '+?'))
      .map(([one, count]) => `(?<n>${one})${count}`.replace('?<n>', '?:')),
  ),
}))
const patterns = fc
  .array(fc.tuple(fc.boolean(), body, fc.boolean()), { minLength: 1, maxLength: 2 })
  .map((parts) => parts.map(([start, one, end]) => `${start ? '^' : ''}${one}${end ? '$' : ''}`).join('|'))
const texts = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'b', 'c', '1', '-', ']', '.', '\n', '\u{1F600}', '\ud83d', 'é'),
    maxLength: 8,
  }),
  fc.string({ unit: 'binary', maxLength: 6 }),
)

/** What is refused for its size has no automaton to compare: such a pattern counts for nothing. */
function automatonOf(pattern: string): Dfa {
  try {
    return dfaOf(nfaOf(parseRegex(pattern)))
  } catch (error) {
    fc.pre(!/asks for so much/.test((error as Error).message))
    throw error
  }
}

describe('a pattern', () => {
  it('matches what ECMAScript says, followed state by state and as an automaton', () => {
    fc.assert(
      fc.property(patterns, fc.array(texts, { minLength: 1, maxLength: 8 }), (pattern, all) => {
        const native = new RegExp(pattern, 'u')
        const nfa = nfaOf(parseRegex(pattern))
        const dfa = restricted(automatonOf(pattern), EVERY)
        for (const text of all) {
          const expected = native.test(text)
          expect([pattern, text, matches(nfa, text, () => {})]).toEqual([pattern, text, expected])
          expect([pattern, text, run(dfa, text)]).toEqual([pattern, text, expected])
        }
      }),
      { numRuns: 300 },
    )
  })

  it('and another, or a length, have those texts that are of both', () => {
    fc.assert(
      fc.property(patterns, patterns, fc.nat(3), fc.nat(4), texts, (a, b, min, more, text) => {
        const [one, other] = [automatonOf(a), automatonOf(b)]
        expect(run(both(one, other), text)).toBe(run(one, text) && run(other, text))
        const length = [...text].length
        const within = length >= min && length <= min + more
        expect(run(restricted(both(one, dfaOfLength(min, min + more)), EVERY), text)).toBe(
          within && run(one, text),
        )
      }),
      { numRuns: 100 },
    )
  })

  it.each([
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(?<!a)',
    '\\1',
    '(?<x>a)\\k<x>',
    '\\bword',
    'a\\B',
    '\\p{L}',
    '\\cA',
    '(^a)',
    'a^',
    'a$b',
    '(a$)',
    '(?i:a)',
    'a{1001}',
    'x'.repeat(1001),
    '(a{200}){200}',
    '(a|b)*a(a|b){12}',
  ])('%s is refused by what it has, never read as something else', (pattern) => {
    const read = () => dfaOf(nfaOf(parseRegex(pattern)))
    expect(read).toThrow(expect.objectContaining({ code: 'ENGINE_UNSUPPORTED' }))
    expect(read).toThrow(/keyword pattern/)
  })

  it.each([
    '(',
    ')',
    '[',
    'a]',
    'a**',
    '*',
    '{1}',
    'a{2,1}',
    'a{',
    '\\',
    '\\y',
    '[b-a]',
    '[\\d-z]',
    '\\u12',
    '\\x1',
    '\\u{110000}',
    '\\01',
    '('.repeat(40),
  ])('%s is no expression', (pattern) => {
    expect(() => parseRegex(pattern)).toThrow(expect.objectContaining({ code: 'ENGINE_INPUT' }))
  })

  it('that ECMAScript does not take is not taken, and no text crashes the reader', () => {
    const anything = fc.string({ unit: fc.constantFrom(...'ab()[]{}|*+?^$\\-,.1ud'), maxLength: 12 })
    fc.assert(
      fc.property(fc.oneof(anything, fc.string()), (pattern) => {
        try {
          parseRegex(pattern)
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^ENGINE_(INPUT|UNSUPPORTED)$/)
          return
        }
        expect(() => new RegExp(pattern, 'u')).not.toThrow()
      }),
      { numRuns: 2000 },
    )
  })

  it('that makes other engines count for years is followed in time that grows with the text', () => {
    let steps = 0
    const nfa = nfaOf(parseRegex('^(a+)+$'))
    expect(matches(nfa, `${'a'.repeat(50_000)}b`, (count) => (steps += count))).toBe(false)
    expect(steps).toBeLessThan(20 * 50_000)
  })
})
