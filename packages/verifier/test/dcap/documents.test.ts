import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { qeIdentityText, tcbInfoText } from '@sotto/testkit/dcap'
import { readQeIdentity, readTcbInfo } from '@sotto/verifier/dcap'
import { memberSource } from '../../src/dcap/member-source.ts'

const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED', action: 'fix-input' })
const info = (changes: Record<string, unknown> = {}) =>
  JSON.parse(tcbInfoText('tdx', { changes })) as Record<string, unknown>
const identity = (changes: Record<string, unknown> = {}) =>
  JSON.parse(qeIdentityText('tdx', { changes })) as Record<string, unknown>
const level = (info()['tcbLevels'] as object[])[0] as { tcb: object }
const module = (info()['tdxModuleIdentities'] as object[])[0]!

describe('TCB information', () => {
  it('is read in lower case and Unix seconds', () => {
    expect(readTcbInfo(info())).toMatchObject({
      id: 'TDX',
      fmspc: 'b0c06f000000',
      pceId: '0000',
      nextUpdate: Date.UTC(2026, 0, 31, 12) / 1000,
      tdxModuleIdentities: [{ id: 'TDX_01', attributesMask: 'ff'.repeat(8) }],
      levels: [{ pcesvn: 13, status: 'UpToDate', date: '2025-11-12T00:00:00Z', advisoryIds: [] }],
    })
  })

  it('may have members that nobody here reads', () => {
    expect(readTcbInfo(info({ tcbInfoFeatures: [1] })).id).toBe('TDX')
  })

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a list', []],
    ['another id', info({ id: 'QE' })],
    ['version 2', info({ version: 2 })],
    ['version 4', info({ version: 4 })],
    ['another way to compare', info({ tcbType: 1 })],
    ['a date without time', info({ nextUpdate: '2026-01-31' })],
    ['a date in another zone', info({ nextUpdate: '2026-01-31T12:00:00+02:00' })],
    ['a day that does not exist', info({ nextUpdate: '2026-13-31T12:00:00Z' })],
    ['a shorter FMSPC', info({ fmspc: 'B0C06F0000' })],
    ['an FMSPC in other characters', info({ fmspc: 'B0C06F00000G' })],
    ['a number that is text', info({ tcbEvaluationDataNumber: '17' })],
    ['a number with a fraction', info({ tcbEvaluationDataNumber: 17.5 })],
    ['a negative number', info({ tcbEvaluationDataNumber: -1 })],
    ['no module', info({ tdxModule: undefined })],
    ['levels that are no list', info({ tcbLevels: {} })],
    ['too many levels', info({ tcbLevels: Array.from({ length: 65 }, () => level) })],
    ['an unknown status', info({ tcbLevels: [{ ...level, tcbStatus: 'Fine' }] })],
    ['advisories that are no text', info({ tcbLevels: [{ ...level, advisoryIDs: [1] }] })],
    ['no PCESVN', info({ tcbLevels: [{ ...level, tcb: { ...level.tcb, pcesvn: undefined } }] })],
    [
      '15 components',
      info({ tcbLevels: [{ ...level, tcb: { ...level.tcb, sgxtcbcomponents: components(15) } }] }),
    ],
    [
      '17 components',
      info({ tcbLevels: [{ ...level, tcb: { ...level.tcb, tdxtcbcomponents: components(17) } }] }),
    ],
    [
      'no components of TDX',
      info({ tcbLevels: [{ ...level, tcb: { ...level.tcb, tdxtcbcomponents: undefined } }] }),
    ],
    ['a module without levels', info({ tdxModuleIdentities: [{ ...module, tcbLevels: undefined }] })],
  ])('is malformed with %s', (_what, value) => {
    expect(() => readTcbInfo(value)).toThrow(malformed)
  })
})

describe('the identity of a quoting enclave', () => {
  it('is read in lower case', () => {
    expect(readQeIdentity(identity())).toMatchObject({ id: 'TD_QE', mrsigner: 'dc'.repeat(32), isvprodid: 2 })
  })

  it.each<[string, unknown]>([
    ['another enclave', identity({ id: 'QVE' })],
    ['version 1', identity({ version: 1 })],
    ['a shorter mask', identity({ attributesMask: 'FF' })],
    ['no MRSIGNER', identity({ mrsigner: undefined })],
    ['an ISVPRODID of three bytes', identity({ isvprodid: 65_536 })],
    ['a level without ISVSVN', identity({ tcbLevels: [{ tcb: {}, tcbStatus: 'UpToDate' }] })],
  ])('is malformed with %s', (_what, value) => {
    expect(() => readQeIdentity(value)).toThrow(malformed)
  })
})

describe('the characters of a member', () => {
  it('are found wherever it stands, and nowhere deeper', () => {
    const text =
      '{ "a" : {"b":{"x":"}\\""},"tcbInfo":1} , "tcbInfo" :\n {"k": [1, {"tcbInfo": 2}]} ,"z":"tcbInfo"}'
    expect(memberSource(text, 'tcbInfo')).toBe('{"k": [1, {"tcbInfo": 2}]}')
    expect(memberSource(text, 'a')).toBe('{"b":{"x":"}\\""},"tcbInfo":1}')
    expect(memberSource(text, 'z')).toBe('"tcbInfo"')
    expect(memberSource(text, 'b')).toBeUndefined()
    expect(memberSource('{"x":"y"}', 'y')).toBeUndefined()
    expect(memberSource('[]', 'x')).toBeUndefined()
  })

  it('are those that JSON reads', () => {
    const values = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 })
    fc.assert(
      fc.property(values, fc.constantFrom('', ' ', '\n\t'), (value, space) => {
        const text = JSON.stringify(value, null, space)
        for (const name of Object.keys(JSON.parse(text) as object)) {
          const source = memberSource(text, name)
          expect(source).toBeDefined()
          expect(JSON.parse(source!)).toEqual((JSON.parse(text) as Record<string, unknown>)[name])
        }
      }),
      { numRuns: process.env['SLOW'] ? 2000 : 200 },
    )
  })
})

function components(count: number): object[] {
  return Array.from({ length: count }, () => ({ svn: 1 }))
}
