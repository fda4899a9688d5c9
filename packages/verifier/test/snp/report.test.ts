import fc from 'fast-check'
import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { concat, fromBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { softwareRootDigest } from '@sotto/verifier'
import { findGuestDefects, parseSnpReport, REPORT_BYTES, SIGNED_BYTES } from '@sotto/verifier/snp'
import { signSoftwareReport } from '@sotto/verifier/software-signer'

const RUNS = process.env['SLOW'] ? 500 : 25
const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED', action: 'fix-input' })
const root = crypto.ecdsa.generate('P-384')
const fields = {
  measurement: 'ab'.repeat(48),
  hostData: 'cd'.repeat(32),
  reportData: crypto.randomBytes(64),
  chipId: crypto.randomBytes(64),
}
const sign = (changes: Partial<typeof fields> = {}): Uint8Array =>
  signSoftwareReport({ ...fields, ...changes }, root.privateKey)
const changed = (at: number, value: number, report = sign()): Uint8Array => {
  const copy = report.slice()
  copy[at] = value
  return copy
}

describe('the report layout', () => {
  it('returns what a report was made of', () => {
    const bytes64 = fc.uint8Array({ minLength: 64, maxLength: 64 })
    fc.assert(
      fc.property(bytes64, bytes64, (reportData, chipId) => {
        const report = parseSnpReport(sign({ reportData, chipId }))
        expect(report).toMatchObject({ VERSION: 2, REPORT_DATA: reportData, CHIP_ID: chipId, VMPL: 0 })
        expect(toHex(report.MEASUREMENT)).toBe(fields.measurement)
        expect(toHex(report.HOST_DATA)).toBe(fields.hostData)
      }),
      { numRuns: RUNS },
    )
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['one byte too few', sign().subarray(0, REPORT_BYTES - 1)],
    ['one byte too many', concat(sign(), Uint8Array.of(0))],
    ['version 1', changed(0, 1)],
    ['version 6', changed(0, 6)],
    ['another signature algorithm', changed(0x34, 2)],
    ['reserved key flags', changed(0x48, 0x20)],
    ['reserved bytes before REPORT_DATA', changed(0x4c, 1)],
    ['CPUID bytes in version 2', changed(0x188, 1)],
    ['reserved bytes before CHIP_ID', changed(0x19f, 1)],
    ['reserved bytes after the current version', changed(0x1eb, 1)],
    ['mitigation vectors in version 2', changed(0x1f8, 1)],
    ['mitigation vectors in version 4', changed(0x200, 1, changed(0, 4))],
    ['reserved bytes at the end of what is signed', changed(SIGNED_BYTES - 1, 1)],
    ['R longer than 48 bytes', changed(SIGNED_BYTES + 48, 1)],
    ['S longer than 48 bytes', changed(SIGNED_BYTES + 72 + 71, 1)],
    ['something after the signature, where nothing is signed', changed(REPORT_BYTES - 1, 1)],
  ])('is malformed with %s', (_what, report) => {
    expect(() => parseSnpReport(report)).toThrow(malformed)
  })

  it('has CPUID from version 3 and mitigation vectors from version 5', () => {
    const five = changed(0x1f8, 9, changed(0x18a, 3, changed(0, 5)))
    expect(parseSnpReport(five)).toMatchObject({ CPUID: { STEP: 3 }, MIT_VECTOR: { LAUNCH: 9n } })
    expect(parseSnpReport(changed(0, 4)).MIT_VECTOR).toBeUndefined()
    expect(parseSnpReport(sign()).CPUID).toBeUndefined()
  })
})

describe('a guest', () => {
  const sound = { POLICY: 0x3001fn, VMPL: 0 }
  it('is sound without debugging, migration and reserved bits, at the highest privilege', () => {
    expect(findGuestDefects(sound)).toEqual([])
    expect(findGuestDefects(parseSnpReport(sign()))).toEqual([])
  })

  it.each([
    ['DEBUG', { ...sound, POLICY: sound.POLICY | (1n << 19n) }],
    ['MIGRATE_MA', { ...sound, POLICY: sound.POLICY | (1n << 18n) }],
    ['RESERVED_ONE', { ...sound, POLICY: 0n }],
    ['reserved bits', { ...sound, POLICY: sound.POLICY | (1n << 63n) }],
    ['VMPL', { ...sound, VMPL: 1 }],
  ])('has the defect %s', (name, report) => {
    expect(findGuestDefects(report)).toEqual([expect.stringContaining(name)])
  })
})

const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation/sev-snp',
)
const present = existsSync(folder)
if (!present && process.env['CI']) throw new Error(`vectors are missing: ${folder}`)

interface Expected {
  version: number
  policy: string
  vmpl: number
  measurement: string
  report_data: string
  host_data: string
  family_id: string
  image_id: string
  id_key_digest: string
  author_key_digest: string
  report_id: string
  chip_id: string
  cpuid?: number[]
  current_tcb: string
  reported_tcb: string
  committed_tcb: string
  launch_tcb: string
}

describe.skipIf(!present)(
  'reports of real processors (skipped: SOTTO_VECTORS has no attestation/sev-snp)',
  () => {
    const folders = present
      ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('report.bin'))
          .map((name) => dirname(name))
      : []
    const genuine = folders.filter((name) => !name.startsWith('mutations') && !name.includes('vcek-invalid'))
    const load = (name: string): { report: Uint8Array; expected: Expected } => ({
      report: new Uint8Array(readFileSync(join(folder, name, 'report.bin'))),
      expected: (
        JSON.parse(readFileSync(join(folder, name, 'expected.json'), 'utf8')) as { expect: Expected }
      ).expect,
    })
    /** The vectors write TCB versions byte by byte. */
    const tcb = (hex: string): bigint => Buffer.from(hex, 'hex').readBigUInt64LE()

    it.each(genuine)('%s has the published fields', (name) => {
      const { report, expected } = load(name)
      const parsed = parseSnpReport(report)
      expect(parsed.VERSION).toBe(expected.version)
      expect(parsed.POLICY).toBe(BigInt(expected.policy))
      expect(parsed.VMPL).toBe(expected.vmpl)
      for (const [field, hex] of [
        ['MEASUREMENT', expected.measurement],
        ['REPORT_DATA', expected.report_data],
        ['HOST_DATA', expected.host_data],
        ['FAMILY_ID', expected.family_id],
        ['IMAGE_ID', expected.image_id],
        ['ID_KEY_DIGEST', expected.id_key_digest],
        ['AUTHOR_KEY_DIGEST', expected.author_key_digest],
        ['REPORT_ID', expected.report_id],
        ['CHIP_ID', expected.chip_id],
      ] as const)
        expect(toHex(parsed[field]), field).toBe(hex)
      expect(parsed.CURRENT_TCB).toBe(tcb(expected.current_tcb))
      expect(parsed.REPORTED_TCB).toBe(tcb(expected.reported_tcb))
      expect(parsed.COMMITTED_TCB).toBe(tcb(expected.committed_tcb))
      expect(parsed.LAUNCH_TCB).toBe(tcb(expected.launch_tcb))
      if (expected.version > 2 && expected.cpuid)
        expect(parsed.CPUID).toEqual({
          FAM_ID: expected.cpuid[0],
          MOD_ID: expected.cpuid[1],
          STEP: expected.cpuid[2],
        })
    })

    it.each(genuine.filter((name) => present && existsSync(join(folder, name, 'leaf.der'))))(
      '%s is split where its own certificate signed it',
      (name) => {
        const { signed, signature } = parseSnpReport(load(name).report)
        const { x, y } = new X509Certificate(readFileSync(join(folder, name, 'leaf.der'))).publicKey.export({
          format: 'jwk',
        })
        const point = concat(Uint8Array.of(4), fromBase64Url(x!), fromBase64Url(y!))
        expect(crypto.ecdsa.importPublic('P-384', 'sha384', point).verify(signed, signature)).toBe(true)
      },
    )

    it.each(folders.filter((name) => name.includes('sig-reserved-nonzero')))('%s is malformed', (name) => {
      expect(() => parseSnpReport(load(name).report)).toThrow(malformed)
    })

    it.each(folders.filter((name) => /debug|vmpl1/.test(name)))('%s is no sound guest', (name) => {
      expect(findGuestDefects(parseSnpReport(load(name).report))).not.toEqual([])
    })
  },
)

describe('the software root', () => {
  it('signs what the report of a processor would be signed over', () => {
    const { signed, signature } = parseSnpReport(sign())
    expect(signed).toHaveLength(SIGNED_BYTES)
    expect(crypto.ecdsa.importPublic('P-384', 'sha384', root.publicKey).verify(signed, signature)).toBe(true)
    expect(softwareRootDigest(root.publicKey)).toBe(toHex(crypto.sha256(root.publicKey)))
  })
})
