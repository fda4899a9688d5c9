import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { fakeNvidia, type FakeNvidia } from '@sotto/testkit/nvidia'
import { type EvidenceInput } from '@sotto/verifier/family'
import { type NvidiaPolicy, parseNvidiaReport, verifyNvidia } from '@sotto/verifier/nvidia'
import { inputOf, present, vector } from './vectors.ts'

const RUNS = process.env['SLOW'] ? 1000 : 40

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

/** Any bit of a piece, alone, is refused. */
function expectEveryFlipRefused(
  piece: Uint8Array,
  judge: (flipped: Uint8Array) => boolean,
  runs = RUNS,
): void {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: piece.length * 8 - 1 }), (bit) => {
      expect(judge(flip(piece, bit))).toBe(false)
    }),
    { numRuns: runs },
  )
}

describe.skipIf(!present)(
  'genuine evidence with one bit flipped (skipped: SOTTO_VECTORS has no attestation/nvidia)',
  () => {
    const full = (): EvidenceInput<NvidiaPolicy> => inputOf(vector('/h100-550.90.07-full'))

    it('is not authentic: a report', () => {
      const input = full()
      expectEveryFlipRefused(input.evidence, (evidence) => verifyNvidia({ ...input, evidence }).authentic)
    })

    it.each(['cert_chain.pem', 'driver_rim.xml', 'vbios_rim.xml', 'ocsp_gpu_certificate_l3.der'])(
      'is not accepted: %s',
      (name) => {
        const input = full()
        const before = input.collateral[name]!
        expectEveryFlipRefused(before, (piece) => {
          const { acceptable } = verifyNvidia({
            ...input,
            collateral: { ...input.collateral, [name]: piece },
          })
          // A letter of base64 may carry bits of nothing, and white space outside of the signed document may be any.
          return acceptable && !isSameText(before, piece)
        })
      },
    )

    it('is not authentic: a token', () => {
      const input = inputOf(vector('/nras-eat-prem-2gpu'))
      expectEveryFlipRefused(input.evidence, (evidence) => {
        const { authentic } = verifyNvidia({ ...input, evidence })
        return authentic && !isSameText(input.evidence, evidence)
      })
    })
  },
)

/** Whether only white space became other white space. */
function isSameText(a: Uint8Array, b: Uint8Array): boolean {
  const words = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes).replaceAll(/\s+/g, ' ')
  return words(a) === words(b)
}

describe('evidence of a vendor of our own', () => {
  let vendor: FakeNvidia
  beforeAll(() => {
    vendor = fakeNvidia()
  })

  it('with one bit flipped is not authentic', () => {
    const device = vendor.device()
    const report = device.report()
    const judge = (evidence: Uint8Array): boolean =>
      verifyNvidia({ evidence, collateral: { chain: device.chain }, at: FAKE_NOW }, vendor.roots).authentic
    expect(judge(report)).toBe(true)
    expectEveryFlipRefused(report, judge)
  })

  it('cut off anywhere is malformed, and never another error', () => {
    const report = vendor.device().report()
    fc.assert(
      fc.property(fc.integer({ min: 0, max: report.length - 1 }), (length) => {
        expect(() => parseNvidiaReport(report.subarray(0, length))).toThrow(
          expect.objectContaining({ code: 'EVIDENCE_MALFORMED' }),
        )
      }),
      { numRuns: RUNS },
    )
  })

  it('never makes the verifier throw, whatever it and its collateral are', () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    const start = fc.constantFrom('11e0', '3c', '5b', '7b', '30', '2d2d', '')
    fc.assert(
      fc.property(start, bytes, bytes, (prefix, rest, piece) => {
        const evidence = new Uint8Array([...Buffer.from(prefix, 'hex'), ...rest])
        const verdict = verifyNvidia({ evidence, collateral: { piece, evidence }, at: FAKE_NOW })
        expect(verdict.authentic).toBe(false)
      }),
      { numRuns: RUNS },
    )
  })
})
