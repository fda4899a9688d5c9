import { describe, expect, it } from 'vitest'
import { errorCodesOf } from '../scripts/error-codes.ts'

const source = (comment: string, union: string): string =>
  `/**\n * Codes.\n${comment} */\nexport type AErrorCode = ${union}\n`

describe('the page of error codes', () => {
  it('takes action and meaning from the comment of the union', () => {
    const text = source(
      ' * - `A_B` (retry): it was\n *   busy.\n * - `A_C`, `A_D` (stop): wrong.\n',
      "'A_B' | 'A_C' | 'A_D'",
    )
    expect(errorCodesOf(text)).toEqual([
      { code: 'A_B', action: 'retry', meaning: 'it was busy' },
      { code: 'A_C', action: 'stop', meaning: 'wrong' },
      { code: 'A_D', action: 'stop', meaning: 'wrong' },
    ])
  })

  it('has names and words where a comment has links', () => {
    const text = source(
      ' * - `A_B` (retry): neither {@link B} nor {@link\n *   C.d}, see {@link e | the E} or {@link f F}.\n',
      "'A_B'",
    )
    expect(errorCodesOf(text)[0]?.meaning).toBe('neither `B` nor `C.d`, see the E or F')
  })

  it('takes the action from where the code is used when the comment has none', () => {
    expect(errorCodesOf(source(' * - `A_B`: busy.\n', "'A_B'"), "const ACTIONS = { A_B: 'retry' }")).toEqual([
      { code: 'A_B', action: 'retry', meaning: 'busy' },
    ])
  })

  it('refuses a code of which nothing says what to do', () => {
    expect(() => errorCodesOf(source('', "'A_B'"))).toThrow('A_B')
  })
})
