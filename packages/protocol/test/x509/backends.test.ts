import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { toBase64 } from '@sotto/protocol/bytes'
import { certificatesOfPem } from '@sotto/protocol/x509'
import { FAKE_NOW, type FakeCurve, fakeKey, fakeRoot } from '@sotto/testkit/x509'
import { type Case, outcomeOf } from './outcomes.ts'

/** The same cases in a process that resolves the backend of browsers. */
function askBrowserBackend(cases: Case[]): { backend: string; outcomes: string[] } {
  const script = join(import.meta.dirname, 'outcomes.ts')
  const output = execFileSync(process.execPath, ['--conditions=browser', script], {
    input: JSON.stringify(cases),
    maxBuffer: 16_777_216,
  })
  return JSON.parse(output.toString()) as { backend: string; outcomes: string[] }
}

const base64 = ({ der }: { der: Uint8Array }): string => toBase64(der)
/** With its last byte changed, which is the end of a signature or of a certificate sent along. */
const broken = (der: Uint8Array): string => {
  const copy = der.slice()
  copy[copy.length - 1]! ^= 1
  return toBase64(copy)
}

function casesOf(curve: FakeCurve): Case[] {
  const root = fakeRoot({ curve })
  const middle = root.issue({ commonName: 'Middle', ca: true })
  const leaf = middle.issue()
  const forged = middle.issue({ signWith: fakeKey(curve) })
  const responder = middle.issue({ commonName: 'Responder', extendedKeyUsage: ['1.3.6.1.5.5.7.3.9'] })
  const { certificate } = leaf
  const roots = [base64(root)]
  const about = { certificate: base64(leaf), issuer: base64(middle), at: FAKE_NOW }
  return [
    { ask: 'path', chain: [leaf, middle].map(base64), roots, at: FAKE_NOW },
    { ask: 'path', chain: [forged, middle, root].map(base64), roots, at: FAKE_NOW },
    { ask: 'path', chain: [leaf, middle, root].map(base64), roots, at: FAKE_NOW * 2 },
    { ask: 'path', chain: [leaf, middle].map(base64), roots: [base64(fakeRoot({ curve }))], at: FAKE_NOW },
    { ask: 'signed', certificate: broken(leaf.der), issuer: base64(middle) },
    { ask: 'crl', crl: toBase64(middle.crl()), issuer: base64(middle), at: FAKE_NOW },
    { ask: 'crl', crl: broken(middle.crl()), issuer: base64(middle), at: FAKE_NOW },
    { ask: 'ocsp', response: toBase64(middle.ocsp(certificate)), ...about },
    { ask: 'ocsp', response: toBase64(middle.ocsp(certificate, { responder, status: 'revoked' })), ...about },
    { ask: 'ocsp', response: broken(middle.ocsp(certificate, { responder })), ...about },
    { ask: 'ocsp', response: broken(middle.ocsp(certificate)), ...about },
  ]
}

const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation/roots',
)
if (!existsSync(folder) && process.env['CI']) throw new Error(`vectors are missing: ${folder}`)

describe('both cryptographic backends', () => {
  it.each<FakeCurve>(['P-256', 'P-384'])('say the same about %s', (curve) => {
    const cases = casesOf(curve)
    const here = cases.map(outcomeOf)
    expect(new Set(here).size).toBeGreaterThan(6)
    expect(askBrowserBackend(cases)).toEqual({ backend: 'browser', outcomes: here })
  })

  it.skipIf(!existsSync(folder))(
    "say the same about vendors' roots (skipped: SOTTO_VECTORS has none)",
    () => {
      const ders = readdirSync(folder)
        .map((name) => readFileSync(join(folder, name)))
        .flatMap((file) => (file[0] === 0x30 ? [new Uint8Array(file)] : certificatesOfPem(file.toString())))
      const pairs = ders.flatMap((certificate) => ders.map((issuer) => ({ certificate, issuer })))
      const cases = pairs.flatMap<Case>(({ certificate, issuer }) => [
        { ask: 'signed', certificate: toBase64(certificate), issuer: toBase64(issuer) },
        { ask: 'signed', certificate: broken(certificate), issuer: toBase64(issuer) },
      ])
      const here = cases.map(outcomeOf)
      expect(here.filter((outcome) => outcome === 'true').length).toBeGreaterThan(15)
      expect(askBrowserBackend(cases)).toEqual({ backend: 'browser', outcomes: here })
    },
  )
})
