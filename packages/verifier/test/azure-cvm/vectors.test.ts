import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { verifyAzureCvm } from '@sotto/verifier/azure-cvm'
import { areVectorsPresent, type RealVector, realVectors, WHY_SKIPPED } from './real-vectors.ts'
import { failures, flip } from './world.ts'

const RUNS = process.env['SLOW'] ? 1000 : 40
const vectors = realVectors()
const refused = vectors.filter(({ result }) => result?.startsWith('reject'))
const accepted = vectors.filter(({ result }) => result?.startsWith('accept'))
const onSnp = accepted.filter(({ fields }) => fields['report_type'] === 'SNP')
const onTdx = accepted.filter(({ fields }) => fields['report_type'] === 'TDX')
const reports = vectors.filter(({ result }) => result === undefined)
const named = (list: readonly RealVector[]): [string, RealVector][] => list.map((one) => [one.name, one])

describe.skipIf(!areVectorsPresent)(`virtual machines of Azure ${WHY_SKIPPED}`, () => {
  it('are there, of every kind', () => {
    expect([onSnp, onTdx, refused, reports].map(({ length }) => length > 0)).toEqual([true, true, true, true])
  })

  it.each(named(onSnp))('%s is accepted, with the published fields', (_name, { input, fields }) => {
    const verdict = verifyAzureCvm(input)
    expect(failures(verdict)).toEqual([])
    expect(verdict).toMatchObject({
      family: 'azure-cvm',
      authentic: true,
      acceptable: true,
      reason: null,
      fields,
    })
    expect(verdict.validUntil).toBeGreaterThan(input.at)
  })

  it.each(named(onTdx))(
    '%s is authentic and lacks collateral of Intel, with the published fields',
    (_name, { input, fields }) => {
      const verdict = verifyAzureCvm(input)
      expect(verdict).toMatchObject({
        authentic: true,
        acceptable: false,
        reason: 'collateral-missing',
        fields,
      })
      expect(failures(verdict).filter(([, of]) => of !== 'collateral-missing')).toEqual([])
    },
  )

  it.each(named(refused))('%s is refused because of what binds', (_name, { input }) => {
    expect(verifyAzureCvm(input)).toMatchObject({ authentic: false, acceptable: false, reason: 'binding' })
  })

  it.each(named(reports))(
    '%s is a report alone: bound, with the published fields, and fresh by nothing',
    (_name, { input, fields }) => {
      const verdict = verifyAzureCvm(input)
      expect(verdict).toMatchObject({ authentic: false, reason: 'collateral-missing', fields })
      expect(verdict.steps.find(({ name }) => name === 'azure-cvm.runtime-data-binding')?.status).toBe('pass')
    },
  )

  it.each(named(vectors))(
    '%s comes out the same under other names and in another order',
    (_name, { input }) => {
      const renamed = Object.fromEntries(
        Object.values(input.collateral)
          .toReversed()
          .map((piece, index) => [`${index}`, piece]),
      )
      expect(verifyAzureCvm({ ...input, collateral: renamed })).toEqual(verifyAzureCvm(input))
    },
  )

  it.each(named(refused))('%s is refused still without any piece of collateral', (_name, { input }) => {
    for (const name of Object.keys(input.collateral)) {
      const { [name]: _left, ...collateral } = input.collateral
      expect(verifyAzureCvm({ ...input, collateral })).toMatchObject({ acceptable: false })
    }
  })

  it.each(named([...onSnp, ...onTdx]))(
    '%s is refused with any bit flipped, wherever it stands',
    (_name, { input, fields }) => {
      const { evidence, ignored } = compact(input.evidence)
      expect(verifyAzureCvm({ ...input, evidence })).toMatchObject({ authentic: true, fields })
      fc.assert(
        fc.property(fc.nat(evidence.length * 8 - 1), (bit) => {
          fc.pre(!ignored.some(([start, end]) => bit >= 8 * start && bit < 8 * end))
          expect(verifyAzureCvm({ ...input, evidence: flip(evidence, bit) }).authentic).toBe(false)
        }),
        { numRuns: RUNS },
      )
    },
  )

  it.each(named(onSnp))('%s is refused for another nonce, an empty one above all', (_name, { input }) => {
    for (const expectedReportData of [
      new Uint8Array(0),
      new Uint8Array(64),
      input.expectedReportData!.subarray(1),
    ])
      expect(verifyAzureCvm({ ...input, expectedReportData })).toMatchObject({
        authentic: false,
        reason: 'binding',
      })
  })

  it.each(named(onSnp))(
    '%s is refused when its certificates are not valid yet, or no longer',
    (_name, { input }) => {
      for (const at of [Date.UTC(2000, 0) / 1000, Date.UTC(2045, 0) / 1000, Number.NaN])
        expect(verifyAzureCvm({ ...input, at })).toMatchObject({ authentic: false, reason: 'expired' })
    },
  )
})

/**
 * The same document without white space between its tokens, and ranges of it that say nothing: CPUSVN and
 * MAC of a TDREPORT, which no quote covers, and the PEM in a quote of TDX, whose line ends nobody signs.
 */
function compact(document: Uint8Array): { evidence: Uint8Array; ignored: [start: number, end: number][] } {
  const parsed = JSON.parse(fromUtf8(document)) as { td_quote?: string; hcl_report?: string }
  const text = JSON.stringify(parsed)
  const { td_quote: tdQuote, hcl_report: report } = parsed
  if (tdQuote === undefined) return { evidence: utf8(text), ignored: [] }
  const range = (encoded: string, start: number, end: number): [number, number] => {
    const at = text.indexOf(encoded)
    return [at + Math.floor((start * 4) / 3), at + Math.ceil((end * 4) / 3)]
  }
  const pem = Buffer.from(tdQuote, 'base64url').indexOf('-----BEGIN')
  const ignored = [
    range(report!, 48, 64),
    range(report!, 256, 288),
    range(tdQuote, pem, (tdQuote.length * 3) / 4),
  ]
  return { evidence: utf8(text), ignored }
}
