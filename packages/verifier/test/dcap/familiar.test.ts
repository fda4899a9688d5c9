import { beforeEach, describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { bundleBytes, createFakeIntel } from '@sotto/testkit/dcap'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { verifyTdx } from '@sotto/verifier/tdx'
import { familiarTexts } from '../../src/dcap/json-reader.ts'
import { familiarCertificates } from '../../src/dcap/chains.ts'

const intel = createFakeIntel()
const evidence = intel.tdQuote()
const bundle = intel.bundle('tdx')
const judge = (collateral: Record<string, Uint8Array>, at = FAKE_NOW, quote = evidence) =>
  verifyTdx({ evidence: quote, collateral, at }, { roots: intel.roots })
const spelt = (spaces: number): Record<string, Uint8Array> => ({
  bundle: utf8(JSON.stringify(bundle).replace('{', `{${' '.repeat(spaces)}`)),
})

beforeEach(() => {
  familiarTexts.clear()
  familiarCertificates.length = 0
})

describe('collateral that was met before', () => {
  it('gives the same verdict again, at every time', () => {
    const first = judge(bundleBytes(bundle))
    expect(first).toMatchObject({ acceptable: true })
    expect(familiarTexts.size).toBe(3)
    expect(judge(bundleBytes(bundle))).toEqual(first)
    expect(judge(bundleBytes(bundle), FAKE_NOW + 365 * 86_400)).toMatchObject({
      authentic: false,
      reason: 'expired',
    })
  })

  it('is not remembered where the evidence is not authentic', () => {
    const edited = { ...bundle, tcb_info: bundle.tcb_info!.replace('UpToDate', 'OutOfDate') }
    expect(judge(bundleBytes(edited)).authentic).toBe(false)
    expect(judge(bundleBytes(bundle), FAKE_NOW + 365 * 86_400).authentic).toBe(false)
    expect(familiarTexts.size).toBe(0)
  })

  it('lends nothing to collateral that differs', () => {
    judge(bundleBytes(bundle))
    const edited = { ...bundle, tcb_info: bundle.tcb_info!.replace('UpToDate', 'Revoked') }
    expect(judge(bundleBytes(edited))).toMatchObject({ authentic: false, reason: 'collateral-invalid' })
    const other = createFakeIntel()
    expect(judge(bundleBytes(other.bundle('tdx'))).authentic).toBe(false)
    expect(judge(bundleBytes(bundle), FAKE_NOW, other.tdQuote()).authentic).toBe(false)
  })

  it('is bounded in number and size', () => {
    for (let spaces = 0; spaces < 40; spaces++) expect(judge(spelt(spaces)).authentic).toBe(true)
    expect(familiarTexts.size).toBe(32)
    // Documents stand in every spelling, and stay.
    expect(familiarTexts.has(bundle.tcb_info!)).toBe(true)
    expect(judge(spelt(70_000)).authentic).toBe(true)
    expect([...familiarTexts.keys()].every(({ length }) => length <= 65_536)).toBe(true)
  })
})
