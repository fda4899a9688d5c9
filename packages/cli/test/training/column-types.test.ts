import fc from 'fast-check'
import type { SottoError } from '@sotto/protocol/errors'
import { describe, expect, it } from 'vitest'
import { columnsIn } from '../../src/training/index.ts'

const typesOf = (text: string): string[] => columnsIn(text).map(({ type }) => type)

describe('columns of a file', () => {
  it('have the narrowest type that all their values are of', () => {
    const text =
      'who,paid,rate,cheats,day,at,word,nothing\n' +
      'ann,12,0.5,true,2026-11-29,2026-11-29T10:00:00Z,a,\n' +
      'bob,-3,7,false,2026-11-30,2026-11-30 10:00,7,\n'
    expect(columnsIn(text)).toEqual([
      { name: 'who', type: 'text' },
      { name: 'paid', type: 'integer' },
      { name: 'rate', type: 'number' },
      { name: 'cheats', type: 'boolean' },
      { name: 'day', type: 'date' },
      { name: 'at', type: 'timestamp' },
      { name: 'word', type: 'text' },
      { name: 'nothing', type: 'text' },
    ])
  })

  it('are read out of quotes, with commas and line breaks in them, by any line ending', () => {
    expect(typesOf('\uFEFFa,"b"\r\n"1,5","x\ny""z"\r\n"2",\r\n')).toEqual(['text', 'text'])
    expect(typesOf('a,b\n1,\n\n,2\n')).toEqual(['integer', 'integer'])
  })

  it('are not judged by a line that is cut', () => {
    expect(typesOf('a,b\n1,2\n3,fo')).toEqual(['integer', 'integer'])
  })

  it.each([
    ['nothing', ''],
    ['one line', 'a,b\n'],
    ['no line of names', 'hunter2 hunter3,1\nhunter4,2\n'],
    ['a name twice', 'a,A\n1,2\n'],
    ['rows of another length', 'a,b\n1,2,3\n'],
    ['a quote without its end', 'a,b\n"hunter2,1\n'],
    ['too many columns', `${Array.from({ length: 257 }, (_, at) => `c${at}`).join(',')}\n`],
  ])('of %s are refused, and nothing of the file is repeated', (_what, text) => {
    let refusal: unknown
    try {
      columnsIn(text)
    } catch (error) {
      refusal = error
    }
    expect(refusal).toMatchObject({ code: 'CLI_FILE' })
    const { message, expected, found, hint } = refusal as SottoError
    expect([message, expected, found, hint].join(' ')).not.toContain('hunter')
  })

  it('of any text are columns or a refusal', () => {
    const character = fc.constantFrom(...'ab1",\r\n .-é')
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 60 }), (text) => {
        try {
          expect(columnsIn(text).length).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toMatchObject({ code: 'CLI_FILE' })
        }
      }),
      { numRuns: 500 },
    )
  })
})
