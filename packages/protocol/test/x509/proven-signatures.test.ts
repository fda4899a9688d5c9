import { beforeEach, describe, expect, it, type MockInstance, onTestFinished, vi } from 'vitest'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import {
  type Certificate,
  parseCertificate,
  parseCrl,
  verifyCrl,
  verifyPath,
  verifySignature,
} from '@sotto/protocol/x509'
import { FAKE_NOW, fakeRoot } from '@sotto/testkit/x509'
import { provenSignatures } from '../../src/x509/signature.ts'

const DAY = 86_400
const root = fakeRoot({ curve: 'P-256' })
const intermediate = root.issue({ commonName: 'Intermediate', ca: true })
const leaf = intermediate.issue({ commonName: 'Leaf', notAfter: FAKE_NOW + DAY })
const chain = [leaf, intermediate, root].map(({ certificate }) => certificate)
const roots = [root.certificate]
const verify = (certificates = chain, at = FAKE_NOW) => verifyPath(certificates, { roots, at })

/** Code of the refusal. */
function refused(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    const { code } = error as { code?: string }
    if (code?.startsWith('X509_')) return code
    throw error
  }
  return 'nothing'
}

beforeEach(() => provenSignatures.clear())

function spyOnImports(): MockInstance {
  const spy = vi.spyOn(publicCrypto.ecdsa, 'importPublic')
  onTestFinished(() => spy.mockRestore())
  return spy
}

describe('signatures that verified', () => {
  it('are verified no more', () => {
    const again = (): Certificate[] => chain.map(({ der }) => parseCertificate(der))
    const imports = spyOnImports()
    verifyPath(again(), { roots, at: FAKE_NOW })
    expect(provenSignatures.size).toBe(2)
    imports.mockClear()
    // Other objects of the same bytes: a key that is used would have to be imported.
    verifyPath(again(), { roots, at: FAKE_NOW })
    expect(imports).not.toHaveBeenCalled()
    provenSignatures.clear()
    verifyPath(again(), { roots, at: FAKE_NOW })
    expect(imports).toHaveBeenCalled()
  })

  it('say nothing about another message, signature, key or algorithm', () => {
    verify()
    const crl = intermediate.crl()
    verifyCrl(parseCrl(crl), intermediate.certificate, FAKE_NOW)
    const { publicKey } = intermediate.certificate
    const { tbs, signature, signatureAlgorithm } = leaf.certificate
    const size = provenSignatures.size
    const judge = (...[key, algorithm, message, bytes]: Parameters<typeof verifySignature>): boolean =>
      verifySignature(key, algorithm, message, bytes, true)
    expect(judge(publicKey, signatureAlgorithm, tbs, signature)).toBe(true)
    expect(judge(publicKey, signatureAlgorithm, tbs.subarray(1), signature)).toBe(false)
    expect(judge(publicKey, signatureAlgorithm, parseCrl(crl).tbs, signature)).toBe(false)
    expect(judge(publicKey, signatureAlgorithm, tbs, parseCrl(crl).signature)).toBe(false)
    expect(judge(root.certificate.publicKey, signatureAlgorithm, tbs, signature)).toBe(false)
    expect(judge(publicKey, { name: 'ecdsa', hash: 'sha384' }, tbs, signature)).toBe(false)
    expect(judge(publicKey, { name: 'rsa-pkcs1', hash: 'sha256' }, tbs, signature)).toBe(false)
    expect(provenSignatures.size).toBe(size)
  })

  it('are of no use to a certificate of which any bit is flipped', () => {
    verify()
    const { der } = leaf.certificate
    for (let bit = 0; bit < 8 * der.length; bit++) {
      const flipped = new Uint8Array(der)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(refused(() => verify([parseCertificate(flipped), chain[1]!, chain[2]!]))).not.toBe('nothing')
    }
    expect(provenSignatures.size).toBe(2)
  })

  it('leave dates to be judged every time', () => {
    verify()
    expect(refused(() => verify(chain, FAKE_NOW + 2 * DAY))).toBe('X509_EXPIRED')
    const crl = parseCrl(intermediate.crl({ nextUpdate: FAKE_NOW + DAY }))
    verifyCrl(crl, intermediate.certificate, FAKE_NOW)
    expect(refused(() => verifyCrl(crl, intermediate.certificate, FAKE_NOW + 2 * DAY))).toBe('X509_EXPIRED')
  })

  it('are only those of keys that lead to a pinned root', () => {
    const own = fakeRoot({ commonName: 'Fake Root' })
    const below = own.issue({ commonName: 'Below', ca: true })
    const sent = [below.issue(), below].map(({ certificate }) => certificate)
    expect(refused(() => verify([...sent, own.certificate]))).toBe('X509_CHAIN')
    expect(refused(() => verify([...sent, root.certificate]))).toBe('X509_CHAIN')
    expect(refused(() => verify(sent))).toBe('X509_CHAIN')
    const { signatureAlgorithm, tbs, signature } = leaf.certificate
    expect(verifySignature(chain[1]!.publicKey, signatureAlgorithm, tbs, signature)).toBe(true)
    expect(provenSignatures.size).toBe(0)
  })

  it('are bounded, and the ones used last stay', () => {
    const fill = (from: number): void => {
      for (let i = from; i < from + 300; i++)
        verifyCrl(
          parseCrl(intermediate.crl({ thisUpdate: FAKE_NOW - i })),
          intermediate.certificate,
          FAKE_NOW,
        )
    }
    verify()
    fill(0)
    verify()
    fill(300)
    expect(provenSignatures.size).toBe(512)
    const imports = spyOnImports()
    verifyPath(
      chain.map(({ der }) => parseCertificate(der)),
      { roots, at: FAKE_NOW },
    )
    expect(imports).not.toHaveBeenCalled()
  })
})
