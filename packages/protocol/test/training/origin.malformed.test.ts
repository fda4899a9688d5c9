import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/bytes/index.ts'
import { parseModelOrigin } from '../../src/training/index.ts'
import { ORIGIN } from './origins.ts'

function refusalOf(origin: unknown): unknown {
  try {
    parseModelOrigin(utf8(typeof origin === 'string' ? origin : JSON.stringify(origin)))
    return 'none'
  } catch (error) {
    const { code, action } = error as { code: string; action: string }
    return `${code} ${action}`
  }
}

const withMember = (change: object): object => ({ ...ORIGIN, ...change })
const withOffer = (change: object): object => ({
  ...ORIGIN,
  offered: { ...ORIGIN.offered, offer: { ...ORIGIN.offered.offer, ...change } },
})

describe('what is no origin of a model', () => {
  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['nothing', ''],
    ['a list', []],
    ['another format', withMember({ format: 'sotto-model-origin/2' })],
    ['a member that is not known', withMember({ contract: '{}' })],
    ['a salt that is too short', withMember({ salt: 'AAAA' })],
    ['a name that is none', withMember({ output: '../model' })],
    ['an envelope that is too long', withMember({ receipt: 'x'.repeat(65_536) })],
    ['a bundle that is empty', withMember({ bundle: '' })],
    ['a bundle in another encoding', withMember({ bundle: 'a+b=' })],
    ['too many bundles', withMember({ bundles: Array.from({ length: 5 }, () => 'AAAA') })],
    ['a time that is none', withMember({ at: 0 })],
    ['a time with a fraction', withMember({ at: 1.5 })],
    ['arguments of a query', withOffer({ arguments: [{ name: 'since', value: '2026-01-01' }] })],
    ['a query', withOffer({ template: 'count' })],
    ['a run that was charged, without its receipt', withMember({ charged: { offer: ORIGIN.offered.offer } })],
    [
      'a query that was charged',
      withMember({ charged: { offer: { ...ORIGIN.offered.offer, template: 'count' }, receipt: '{}' } }),
    ],
    ['a run without inputs', withOffer({ inputs: [] })],
    ['a member twice', `{"at":1,${JSON.stringify(ORIGIN).slice(1)}`],
    ['a nesting without end', `${'['.repeat(100)}${']'.repeat(100)}`],
  ])('is refused: %s', (_, origin) => {
    expect(refusalOf(origin)).toBe('TRAINING_ORIGIN fix-input')
  })

  it.each(Object.keys(ORIGIN).filter((member) => member !== 'bundles'))('is refused without %s', (member) => {
    const { [member as never]: _, ...rest } = ORIGIN
    expect(refusalOf(rest)).toBe('TRAINING_ORIGIN fix-input')
  })

  it('is refused where it is no text', () => {
    expect(() => parseModelOrigin(Uint8Array.of(0xff, 0xfe))).toThrow(
      expect.objectContaining({ code: 'TRAINING_ORIGIN' }),
    )
  })

  it('is not refused for its white space, which nothing signs', () => {
    expect(parseModelOrigin(utf8(JSON.stringify(ORIGIN, null, 2)))).toEqual(ORIGIN)
  })
})
