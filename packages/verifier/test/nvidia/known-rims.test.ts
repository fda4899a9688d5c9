import { describe, expect, it } from 'vitest'
import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { fakeNvidia } from '@sotto/testkit/nvidia'
import type { Collateral, EvidenceVerdict } from '@sotto/verifier/family'
import { verifyNvidia } from '@sotto/verifier/nvidia'
import { knownRims } from '../../src/nvidia/rim-signature.ts'

describe('a manifest that was proven once', () => {
  it('is remembered only as long as there is room, and never when it is forged', () => {
    const fresh = fakeNvidia()
    const device = fresh.device()
    const { driver, vbios } = fresh.rims()
    const judgeWith = (collateral: Collateral): EvidenceVerdict =>
      verifyNvidia({ evidence: device.report(), collateral, at: FAKE_NOW }, fresh.roots)
    const isKnown = (file: Uint8Array): boolean =>
      knownRims(fresh.roots).get(toHex(crypto.sha256(file))) !== undefined
    const spell = (i: number): Uint8Array =>
      utf8(fromUtf8(driver).replace('</ds:X509Data>', `${' '.repeat(i)}</ds:X509Data>`))
    const forged = utf8(fromUtf8(driver).replace('550.90.07', '550.90.08'))
    expect(judgeWith({ chain: device.chain, driver: forged, vbios }).authentic).toBe(false)
    expect([isKnown(forged), isKnown(vbios)]).toEqual([false, true])
    // Nobody signs the space around certificates, so that one manifest is any number of files.
    for (let i = 1; i <= 60; i++) judgeWith({ file: spell(i) })
    expect([isKnown(spell(60)), isKnown(spell(29)), isKnown(spell(28)), isKnown(vbios)]).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(judgeWith({ chain: device.chain, driver, vbios }).acceptable).toBe(true)
    expect([isKnown(driver), isKnown(vbios)]).toEqual([true, true])
    // What is used stays.
    for (let i = 100; i < 140; i++) {
      judgeWith({ file: spell(i) })
      judgeWith({ driver, vbios })
    }
    expect([isKnown(driver), isKnown(vbios)]).toEqual([true, true])
  })
})
