import { bundleBytes, createFakeIntel } from '@sotto/testkit/dcap'
import type { FakeCollateralOptions, FakeIntel, FakeQuoteOptions, FakeTdFields } from '@sotto/testkit/dcap'
import { FAKE_NOW } from '@sotto/testkit/x509'
import type { EvidenceVerdict } from '@sotto/verifier/family'
import { verifyTdx, type TdxPolicy } from '@sotto/verifier/tdx'

/** Whose root these tests pin. */
export const intel = createFakeIntel()

/** A quote and everything it is judged by; what is left out is as it should be. */
export interface Case {
  by?: FakeIntel
  fields?: FakeTdFields
  quote?: FakeQuoteOptions
  collateral?: FakeCollateralOptions
  policy?: TdxPolicy
  at?: number
  expectedReportData?: Uint8Array
}

export const judge = ({
  by = intel,
  fields,
  quote,
  collateral,
  policy = {},
  at = FAKE_NOW,
  ...binding
}: Case): EvidenceVerdict =>
  verifyTdx(
    {
      evidence: by.tdQuote(fields, quote),
      collateral: bundleBytes(by.bundle('tdx', collateral)),
      at,
      policy,
      ...binding,
    },
    { roots: by.roots },
  )
/** Steps that failed, with their classes. */
export const failed = (wanted: Case): string[] =>
  judge(wanted)
    .steps.filter(({ status }) => status === 'fail')
    .map(({ name, class: of }) => `${name} ${of}`)

/** Eight bytes, little-endian, with these bits. */
export function attributes(...bits: number[]): Uint8Array {
  const field = new Uint8Array(8)
  for (const bit of bits) field[bit >> 3]! |= 1 << (bit & 7)
  return field
}
