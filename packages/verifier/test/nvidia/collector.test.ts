import { describe, expect, it } from 'vitest'
import { toBase64, toHex, utf8 } from '@sotto/protocol/bytes'
import { fakeNvidia } from '@sotto/testkit/nvidia'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { type EvidenceVerdict, recogniseEvidence } from '@sotto/verifier/family'
import { verifyNvidia } from '@sotto/verifier/nvidia'

const vendor = fakeNvidia()
const devices = [vendor.device(), vendor.device()]
const NONCE = new Uint8Array(32).fill(0x11)

/** Entries as the program of version 1.0 writes them, of newer ones with `newer`. */
const entries = (newer: object = {}): object[] =>
  devices.map((device) => ({
    arch: 'HOPPER',
    certificate: toBase64(device.chain),
    evidence: toBase64(device.report()),
    nonce: toHex(NONCE),
    ...newer,
  }))
const NEWER = { version: '1.0', driver_version: '550.90.07', vbios_version: '96.00.9F.00.01' }

function judge(output: unknown): EvidenceVerdict {
  const evidence = utf8(JSON.stringify(output, null, 4))
  return verifyNvidia(
    { evidence, collateral: { ...vendor.rims() }, at: FAKE_NOW, expectedReportData: NONCE },
    vendor.roots,
  )
}

describe('output of nvattest collect-evidence', () => {
  it('is read as it is written, and a list without it too', () => {
    const result = { result_code: 0, result_message: 'Ok' }
    for (const evidences of [entries(), entries(NEWER)]) {
      const fields = { devices: 2, signatures: [true, true] }
      expect(recogniseEvidence(utf8(JSON.stringify({ evidences, ...result })))).toBe('nvidia')
      expect(judge({ evidences, ...result })).toMatchObject({ acceptable: true, fields })
      expect(judge({ evidences })).toMatchObject({ acceptable: true, fields })
      expect(judge(evidences)).toMatchObject({ acceptable: true, fields })
    }
  })

  it.each<[string, () => unknown]>([
    ['says that it failed', () => ({ evidences: entries(), result_code: 3 })],
    ['has no evidence', () => ({ evidences: null, result_code: 0 })],
    ['has an empty list', () => ({ evidences: [], result_code: 0 })],
    ['has no list at all', () => ({ result_code: 0, result_message: 'Ok' })],
    ['has an unknown member', () => ({ evidences: entries(), trusted: true })],
    ['has an unknown member in an entry', () => ({ evidences: entries({ trusted: true }) })],
    ['has entries of another version', () => ({ evidences: entries({ ...NEWER, version: '2.0' }) })],
    ['has a list in a list', () => ({ evidences: [entries()] })],
    ['stands in a list', () => [{ evidences: entries() }]],
    ['has a message that moves the cursor', () => ({ evidences: entries(), result_message: '\u001b[2J' })],
  ])('is malformed when it %s', (_what, output) => {
    expect(judge(output())).toMatchObject({ authentic: false, reason: 'malformed' })
  })

  it('counts for nothing beside what a report says itself', () => {
    const { fields } = judge({ evidences: entries({ ...NEWER, driver_version: '999.0' }) })
    expect(fields['reports']).toMatchObject([{ driver_version: '550.90.07' }, {}])
  })
})
