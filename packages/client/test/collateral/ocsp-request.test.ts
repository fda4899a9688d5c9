import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { DerReader, TAG } from '@sotto/protocol/der'
import { fakeRoot } from '@sotto/testkit/x509'
import { encodeOcspRequest, OCSP_NONCE_BYTES } from '../../src/collateral/ocsp-request.ts'

const issuer = fakeRoot({ curve: 'P-384' })
const nonce = new Uint8Array(OCSP_NONCE_BYTES).fill(0xa5)
const serial = fc.uint8Array({ minLength: 0, maxLength: 20 })

let hasOpenssl = true
try {
  execFileSync('openssl', ['version'])
} catch {
  hasOpenssl = false
}

describe('an OCSP request (RFC 6960 Section 4.1.1)', () => {
  it('says the serial number, both hashes and the nonce', () => {
    fc.assert(
      fc.property(serial, (serialNumber) => {
        const leaf = issuer.issue({ serialNumber }).certificate
        const request = new DerReader(encodeOcspRequest(leaf, issuer.certificate, nonce)).enter(TAG.SEQUENCE)
        const tbs = request.enter(TAG.SEQUENCE)
        request.end()
        const list = tbs.enter(TAG.SEQUENCE)
        const single = list.enter(TAG.SEQUENCE)
        list.end()
        const certId = single.enter(TAG.SEQUENCE)
        single.end()
        const algorithm = certId.enter(TAG.SEQUENCE)
        expect(algorithm.oid()).toBe('2.16.840.1.101.3.4.2.2')
        expect(toHex(certId.octetString())).toBe(toHex(crypto.sha384(issuer.certificate.subject)))
        expect(toHex(certId.octetString())).toBe(toHex(crypto.sha384(issuer.key.publicKey)))
        expect(toHex(certId.unsigned())).toBe(toHex(leaf.serialNumber))
        certId.end()
        const extension = tbs.enter(0xa2).enter(TAG.SEQUENCE).enter(TAG.SEQUENCE)
        tbs.end()
        expect(extension.oid()).toBe('1.3.6.1.5.5.7.48.1.2')
        expect(new DerReader(extension.octetString()).octetString()).toEqual(nonce)
        extension.end()
      }),
      { numRuns: 30 },
    )
  })

  it.each([0, 33])('refuses a nonce of %s bytes', (length) => {
    expect(() => encodeOcspRequest(issuer.certificate, issuer.certificate, new Uint8Array(length))).toThrow(
      RangeError,
    )
  })

  describe.skipIf(!hasOpenssl)('compared with OpenSSL (skipped: openssl is not here)', () => {
    let folder = ''
    beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'sotto-ocsp-'))))
    afterAll(() => rmSync(folder, { recursive: true }))

    it('is the same but for the nonce, whose length OpenSSL chooses itself', () => {
      const leaf = issuer.issue({})
      const path = (name: string): string => join(folder, name)
      writeFileSync(path('leaf.pem'), leaf.pem)
      writeFileSync(path('issuer.pem'), issuer.pem)
      execFileSync('openssl', [
        'ocsp',
        '-sha384',
        '-no_nonce',
        '-issuer',
        path('issuer.pem'),
        '-cert',
        path('leaf.pem'),
        '-reqout',
        path('theirs.der'),
      ])
      const theirs = requestList(new Uint8Array(readFileSync(path('theirs.der'))))
      expect(requestList(encodeOcspRequest(leaf.certificate, issuer.certificate, nonce))).toBe(theirs)
    })

    it('is one that OpenSSL reads, nonce included', () => {
      writeFileSync(
        join(folder, 'ours.der'),
        encodeOcspRequest(issuer.issue({}).certificate, issuer.certificate, nonce),
      )
      const text = execFileSync(
        'openssl',
        ['ocsp', '-reqin', join(folder, 'ours.der'), '-req_text', '-noverify'],
        {
          encoding: 'utf8',
        },
      )
      expect(text).toContain('Hash Algorithm: sha384')
      expect(text).toMatch(/OCSP Nonce:\s+0420A5A5/)
    })
  })
})

/** requestList, which is everything but extensions. */
function requestList(der: Uint8Array): string {
  return toHex(new DerReader(der).enter(TAG.SEQUENCE).enter(TAG.SEQUENCE).element(TAG.SEQUENCE))
}
