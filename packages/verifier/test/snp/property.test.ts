import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FAKE_NOW } from '@sotto/testkit/x509'
import type { EvidenceInput } from '@sotto/verifier/family'
import {
  REPORT_BYTES,
  type SevSnpPolicy,
  SIGNED_BYTES,
  verifySevSnp,
  verifySnpCertificates,
} from '@sotto/verifier/snp'
import { amd, judge } from './judge.ts'
import { areVectorsPresent, inputOf, realVectors, WHY_SKIPPED } from './real-vectors.ts'

const RUNS = process.env['SLOW'] ? 500 : 50
const chip = amd.chip()
const report = chip.report()

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}
const bitOf = (bytes: Uint8Array): fc.Arbitrary<number> => fc.nat(bytes.length * 8 - 1)

describe('a report of a fake chip', () => {
  it('is refused with any bit flipped', () => {
    fc.assert(
      fc.property(bitOf(report), (bit) => {
        expect(judge(chip, { evidence: flip(report, bit) })).toMatchObject({
          authentic: false,
          acceptable: false,
        })
      }),
      { numRuns: RUNS },
    )
  })

  it('is refused for another binding in any bit', () => {
    const expected = new Uint8Array(64).fill(7)
    fc.assert(
      fc.property(bitOf(expected), (bit) => {
        expect(judge(chip, { expectedReportData: flip(expected, bit) }).reason).toBe('binding')
      }),
      { numRuns: RUNS },
    )
  })

  it('is refused with any bit of its certificate flipped', () => {
    const { leaf } = chip.collateral
    fc.assert(
      fc.property(bitOf(leaf!), (bit) => {
        const collateral = { ...chip.collateral, leaf: flip(leaf!, bit) }
        expect(judge(chip, { collateral })).toMatchObject({ authentic: false, acceptable: false })
      }),
      { numRuns: RUNS },
    )
  })

  it('is refused with any byte of its chain replaced, unless that is white space between lines', () => {
    const { chain } = chip.collateral
    fc.assert(
      fc.property(fc.nat(chain!.length - 1), fc.integer({ min: 0x21, max: 0x7e }), (at, byte) => {
        fc.pre(chain![at] !== byte && chain![at] !== 0x0a)
        const changed = chain!.slice()
        changed[at] = byte
        const collateral = { ...chip.collateral, chain: changed }
        expect(judge(chip, { collateral })).toMatchObject({ authentic: false, acceptable: false })
      }),
      { numRuns: RUNS },
    )
  })

  it('never passes cut or extended, and never stops the verifier', () => {
    fc.assert(
      fc.property(
        fc.nat(REPORT_BYTES - 1),
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        (length, more) => {
          for (const evidence of [report.subarray(0, length), Uint8Array.from([...report, ...more])])
            expect(judge(chip, { evidence }).reason).toBe('malformed')
        },
      ),
      { numRuns: RUNS },
    )
  })
})

describe('whatever is given', () => {
  const anything = fc.uint8Array({ maxLength: 1400 })
  const piece = fc.oneof(
    anything,
    fc
      .tuple(fc.constantFrom(0x30, 0xd2, 0x84, 0x2d), anything)
      .map(([first, rest]) => Uint8Array.of(first, ...rest)),
    bitOf(chip.leaf.der).map((bit) => flip(chip.leaf.der, bit)),
    fc.nat(chip.leaf.der.length).map((length) => chip.leaf.der.subarray(0, length)),
    bitOf(amd.ark('milan').crl()).map((bit) => flip(amd.ark('milan').crl(), bit)),
  )

  it('gets a verdict and no exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          bitOf(report).map((bit) => flip(report, bit)),
        ),
        fc.array(piece, { maxLength: 6 }),
        (evidence, pieces) => {
          const collateral = Object.fromEntries(pieces.map((bytes, index) => [`${index}`, bytes]))
          const verdict = verifySevSnp({ evidence, collateral, at: FAKE_NOW }, amd.roots)
          expect(verdict.acceptable).toBe(false)
          expect(verdict.reason).not.toBeNull()
          expect(verifySnpCertificates(collateral, FAKE_NOW, amd.roots).authentic).toBe(false)
        },
      ),
      { numRuns: RUNS },
    )
  })
})

describe.skipIf(!areVectorsPresent)(`reports of real processors ${WHY_SKIPPED}`, () => {
  const genuine = realVectors().filter(({ expect: { strict_policy_result: result } }) => result === 'accept')
  const refuses = (input: EvidenceInput<SevSnpPolicy>): void => {
    expect(verifySevSnp(input)).toMatchObject({ authentic: false, acceptable: false })
  }

  it('are refused with any bit flipped', () => {
    fc.assert(
      fc.property(fc.constantFrom(...genuine), bitOf(report), (vector, bit) => {
        const input = inputOf(vector)
        refuses({ ...input, evidence: flip(input.evidence, bit) })
      }),
      { numRuns: RUNS },
    )
  })

  it('are refused with any bit of the signature area flipped', () => {
    const [vector] = genuine
    const input = inputOf(vector!)
    for (let bit = SIGNED_BYTES * 8; bit < REPORT_BYTES * 8; bit += process.env['SLOW'] ? 1 : 37)
      refuses({ ...input, evidence: flip(input.evidence, bit) })
  })

  it('are refused with any bit of their certificate flipped', () => {
    fc.assert(
      fc.property(fc.constantFrom(...genuine), fc.nat(1200 * 8), (vector, bit) => {
        const [name, leaf] = Object.entries(vector.collateral).find(([, bytes]) => bytes[0] === 0x30)!
        refuses({ ...inputOf(vector), collateral: { ...vector.collateral, [name]: flip(leaf, bit) } })
      }),
      { numRuns: RUNS },
    )
  })
})
