import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { verifySnpCertificates } from '@sotto/verifier/snp'
import { knownUnder } from '../../src/snp/chain.ts'
import { certificateDigest } from '../../src/snp/collateral.ts'
import { amd, judge } from './judge.ts'

const chip = amd.chip()
const leaf = certificateDigest(chip.leaf.der)
const ask = certificateDigest(amd.issuer('milan', 'VCEK').der)
const freshRoots = (): typeof amd.roots => ({ ...amd.roots })

describe('certificates that were proven before', () => {
  it('give the same verdict again, without their keys being imported again', () => {
    const roots = freshRoots()
    const evidence = chip.report()
    const first = judge(chip, { evidence }, roots)
    expect(first.acceptable).toBe(true)
    const imports = vi.spyOn(publicCrypto.ecdsa, 'importPublic')
    onTestFinished(() => imports.mockRestore())
    expect(judge(chip, { evidence }, roots)).toEqual(first)
    expect(imports).not.toHaveBeenCalled()
    expect(judge(chip, { evidence }, freshRoots())).toEqual(first)
    expect(imports).toHaveBeenCalled()
  })

  it('are judged at every time, and say nothing of a report', () => {
    const roots = freshRoots()
    expect(judge(chip, {}, roots).acceptable).toBe(true)
    expect(judge(chip, { at: FAKE_NOW + 100 * 365 * 86_400 }, roots)).toMatchObject({ reason: 'expired' })
    const evidence = chip.report()
    evidence[0x50]! ^= 1
    expect(judge(chip, { evidence }, roots)).toMatchObject({ authentic: false, reason: 'signature' })
  })

  it('are those of AMD alone', () => {
    const roots = freshRoots()
    const forged = chip.leaf.der.slice()
    forged[forged.length - 1]! ^= 1
    const collateral = { forged, ask: amd.issuer('milan', 'VCEK').der }
    expect(judge(chip, { collateral }, roots)).toMatchObject({ authentic: false, reason: 'chain' })
    expect(knownUnder(roots).get(certificateDigest(forged))).toBeUndefined()
    // Their issuer is.
    expect(knownUnder(roots).get(ask)).toBeDefined()
    expect(knownUnder(freshRoots()).get(ask)).toBeUndefined()
  })

  it('are bounded in number, and those that are used stay', () => {
    const roots = freshRoots()
    judge(chip, {}, roots)
    const kept = knownUnder(roots).get(leaf)
    expect(kept).toBeDefined()
    for (let i = 0; i < 70; i++)
      expect(verifySnpCertificates(amd.chip().collateral, FAKE_NOW, roots).authentic).toBe(true)
    expect(knownUnder(roots).get(leaf)).toBeUndefined()
    expect(knownUnder(roots).get(ask)).toBeDefined()
    expect(judge(chip, {}, roots).acceptable).toBe(true)
  })
})
