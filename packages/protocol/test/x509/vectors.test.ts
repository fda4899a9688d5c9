import fc from 'fast-check'
import { X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { concat, toHex } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import {
  type Certificate,
  certificatesOfPem,
  findRevocation,
  isSignedBy,
  parseCertificate,
  parseCrl,
  parseOcspResponse,
  verifyCrl,
  verifyOcspResponse,
  verifyPath,
} from '@sotto/protocol/x509'

const RUNS = process.env['SLOW'] ? 1000 : 40
const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation',
)
const present = existsSync(folder)
if (!present && process.env['CI']) throw new Error(`vectors are missing: ${folder}`)

/** Certificates and answers about them, found by what they are and not by what they are called. */
interface Found {
  certificates: Map<string, Certificate>
  ocsp: Uint8Array[]
  crls: Uint8Array[]
}

function readAll(): Found {
  const found: Found = { certificates: new Map(), ocsp: [], crls: [] }
  const add = (der: Uint8Array): Certificate => {
    const certificate = parseCertificate(der)
    found.certificates.set(toHex(der), certificate)
    return certificate
  }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    if (name.endsWith('.pem')) certificatesOfPem(readFileSync(path, 'utf8')).forEach(add)
    else if (name.endsWith('.der')) {
      const der = new Uint8Array(readFileSync(path))
      try {
        found.ocsp.push((parseOcspResponse(der), der))
      } catch {
        add(der)
      }
    } else if (name.endsWith('collateral.json') && !name.includes('mutations')) {
      const collateral = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
      const texts = Object.values(collateral).filter((value) => typeof value === 'string')
      texts
        .filter((text) => text.startsWith('-----BEGIN'))
        .forEach((text) => certificatesOfPem(text).forEach(add))
      for (const key of ['root_ca_crl', 'pck_crl'])
        if (typeof collateral[key] === 'string')
          found.crls.push(new Uint8Array(Buffer.from(collateral[key], 'hex')))
    } else if (name.endsWith('.xml')) {
      const text = readFileSync(path, 'latin1')
      for (const [, base64] of text.matchAll(/<(?:\w+:)?X509Certificate>([^<]*)/g))
        add(new Uint8Array(Buffer.from(base64!, 'base64')))
    }
  }
  return found
}

describe.skipIf(!present)('certificates of real vendors (skipped: SOTTO_VECTORS has no attestation)', () => {
  const {
    certificates: all,
    ocsp,
    crls,
  } = present ? readAll() : { certificates: new Map<string, Certificate>(), ocsp: [], crls: [] }
  const certificates = [...all.values()]
  const rootFiles = present ? readdirSync(join(folder, 'roots')) : []
  const roots = rootFiles
    .map((name) => readFileSync(join(folder, 'roots', name)))
    .flatMap((file) => (file[0] === 0x30 ? [new Uint8Array(file)] : certificatesOfPem(file.toString())))
    .map(parseCertificate)
    .filter(({ subject, issuer }) => toHex(subject) === toHex(issuer))
  const isAuthority = ({ basicConstraints }: Certificate): boolean => basicConstraints?.ca === true
  const issuersOf = (certificate: Certificate): Certificate[] =>
    certificates.filter((issuer) => isSignedBy(certificate, issuer))

  it('are all read, and as OpenSSL reads them', () => {
    expect(certificates.length).toBeGreaterThan(60)
    for (const certificate of certificates) {
      const other = new X509Certificate(certificate.der)
      expect(toHex(certificate.serialNumber).replace(/^0+/, '')).toBe(
        other.serialNumber.toLowerCase().replace(/^0+/, ''),
      )
      expect(certificate.notBefore * 1000).toBe(Date.parse(other.validFrom))
      expect(certificate.notAfter * 1000).toBe(Date.parse(other.validTo))
      expect(certificate.spki).toEqual(
        new Uint8Array(other.publicKey.export({ type: 'spki', format: 'der' })),
      )
      expect(certificate.basicConstraints?.ca ?? false).toBe(other.ca)
      const commonName = /^CN=(.*)$/m.exec(other.subject)?.[1]
      if (!other.subject.includes('\\')) expect(certificate.commonName).toBe(commonName)
    }
  })

  it('carry signatures that OpenSSL verifies too', () => {
    let pairs = 0
    for (const certificate of certificates) {
      for (const issuer of certificates) {
        if (toHex(certificate.issuer) !== toHex(issuer.subject)) continue
        const expected = new X509Certificate(certificate.der).verify(
          new X509Certificate(issuer.der).publicKey,
        )
        expect(isSignedBy(certificate, issuer)).toBe(expected)
        if (expected) pairs++
      }
    }
    expect(pairs).toBeGreaterThan(60)
  })

  it('lead to the published roots in paths that are accepted', () => {
    const leaves = certificates.filter(
      (leaf) => !certificates.some((other) => other !== leaf && isSignedBy(other, leaf)),
    )
    let accepted = 0
    for (const leaf of leaves) {
      const chain = [leaf]
      for (let issuer = issuersOf(leaf)[0]; issuer && !chain.includes(issuer); issuer = issuersOf(issuer)[0])
        chain.push(issuer)
      const last = chain[chain.length - 1]!
      if (chain.length < 3 || !roots.some((root) => toHex(root.der) === toHex(last.der))) continue
      const path = verifyPath(chain, { roots, at: leaf.notBefore, verifyDates: false })
      expect(path.chain).toHaveLength(chain.length)
      expect(verifyPath(chain.slice(0, -1), { roots, at: path.notBefore })).toEqual(path)
      expect(() => verifyPath(chain, { roots, at: path.notAfter + 1 })).toThrow(
        expect.objectContaining({ code: 'X509_EXPIRED' }),
      )
      accepted++
    }
    expect(accepted).toBeGreaterThan(15)
  })

  it('have serial number 0 where AMD signs a chip', () => {
    expect(certificates.filter(({ serialNumber }) => serialNumber.length === 0).length).toBeGreaterThan(3)
  })

  it('are useless after any flipped bit of what is signed', () => {
    const signed = certificates.flatMap((certificate) =>
      issuersOf(certificate).map((issuer) => ({ certificate, issuer })),
    )
    fc.assert(
      fc.property(
        fc.nat(signed.length - 1),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (index, position) => {
          const { certificate, issuer } = signed[index]!
          const header = certificate.tbs.byteOffset - certificate.der.byteOffset
          const bit = Math.floor(position * certificate.tbs.length * 8)
          const copy = certificate.der.slice()
          copy[header + (bit >> 3)]! ^= 1 << (bit & 7)
          let accepted: boolean
          try {
            accepted = isSignedBy(parseCertificate(copy), issuer)
          } catch (error) {
            expect(error).toBeInstanceOf(SottoError)
            accepted = false
          }
          expect(accepted).toBe(false)
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('are refused with a byte more', () => {
    for (const { der } of certificates.slice(0, 20))
      expect(() => parseCertificate(concat(der, new Uint8Array(1)))).toThrow(
        expect.objectContaining({ code: 'X509_MALFORMED' }),
      )
  })

  it("have revocation lists: Intel's are genuine and about their issuer", () => {
    let verified = 0
    for (const der of crls) {
      const crl = parseCrl(der)
      for (const issuer of certificates.filter(isAuthority)) {
        if (toHex(issuer.subject) !== toHex(crl.issuer)) {
          expect(() => verifyCrl(crl, issuer, crl.thisUpdate)).toThrow(
            expect.objectContaining({ code: 'X509_CRL' }),
          )
          continue
        }
        verifyCrl(crl, issuer, crl.thisUpdate)
        expect(() => verifyCrl(crl, issuer, crl.nextUpdate! + 1)).toThrow(
          expect.objectContaining({ code: 'X509_EXPIRED' }),
        )
        verified++
      }
      for (const certificate of certificates.filter((one) => toHex(one.issuer) === toHex(crl.issuer)))
        expect(findRevocation(crl, certificate)).toBeUndefined()
    }
    expect(verified).toBeGreaterThan(4)
    expect(Math.max(...crls.map((crl) => parseCrl(crl).revoked.size))).toBeGreaterThan(40)
  })

  it("have OCSP responses: NVIDIA's are genuine and about one certificate", () => {
    expect(ocsp.length).toBeGreaterThan(6)
    for (const der of ocsp) {
      const response = parseOcspResponse(der)
      const [single] = response.responses
      const about = certificates.filter((one) => toHex(one.serialNumber) === toHex(single!.serialNumber))
      const at = single!.thisUpdate
      expect(about.length).toBeGreaterThan(0)
      for (const certificate of about) {
        const [issuer] = issuersOf(certificate)
        expect(verifyOcspResponse(response, { certificate, issuer: issuer!, at })).toMatchObject({
          status: 'good',
          thisUpdate: at,
        })
        const later = { certificate, issuer: issuer!, at: single!.nextUpdate! + 1 }
        expect(() => verifyOcspResponse(response, later)).toThrow(
          expect.objectContaining({ code: 'X509_EXPIRED' }),
        )
        for (const other of certificates.filter((one) => one !== certificate).slice(0, 10))
          expect(() => verifyOcspResponse(response, { certificate: other, issuer: issuer!, at })).toThrow(
            expect.objectContaining({ code: 'X509_OCSP' }),
          )
      }
    }
  })
})
