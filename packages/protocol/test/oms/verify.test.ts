import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakeRoot, FAKE_NOW, type FakeCertificateOptions, type FakeIdentity } from '@sotto/testkit/x509'
import { SottoError } from '../../src/errors/index.ts'
import {
  compareOms,
  type ObservedFile,
  parseOmsBundle,
  parseOmsKey,
  parseOmsStatement,
  signOms,
  verifyOmsWithCertificates,
  verifyOmsWithKey,
} from '../../src/oms/index.ts'
import { KEY_USAGE } from '../../src/x509/index.ts'
import { edited, files, otherKey, pinned, signature, signer } from './models.ts'

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
const refused = (code: string): Error => expect.objectContaining({ code, action: 'stop' }) as Error

describe('a signature by a key', () => {
  it('is of the pinned key and names every file', () => {
    const statement = verifyOmsWithKey(parseOmsBundle(signature), pinned)
    expect(statement).toMatchObject({ name: 'model', resources: files })
    expect(statement.serialization).toEqual({
      method: 'files',
      hash: 'sha256',
      allowSymlinks: false,
      ignorePaths: ['model.sig'],
    })
  })

  it('is refused when it names another key, and when another key signed', () => {
    const other = { ...pinned, hint: '0'.repeat(64) }
    expect(() => verifyOmsWithKey(parseOmsBundle(signature), other)).toThrow(/another key/)
    const forged = signOms(
      { name: 'model', files, ignorePaths: [] },
      { ...signer, sign: (m) => otherKey.sign(m) },
    )
    expect(() => verifyOmsWithKey(parseOmsBundle(forged), pinned)).toThrow(refused('OMS_SIGNATURE'))
  })

  it('needs no hint, as before version 1.1, and does not believe the key it brings', () => {
    const bytes = edited(
      (b) => (b.verificationMaterial = { publicKey: { rawBytes: 'AAAA', keyDetails: 'X' } }),
    )
    expect(verifyOmsWithKey(parseOmsBundle(bytes), pinned).name).toBe('model')
  })

  it('is refused with any flipped bit of payload or signature', () => {
    const bundle = parseOmsBundle(signature)
    fc.assert(
      fc.property(
        fc.constantFrom('payload' as const, 'signature' as const),
        fc.nat(),
        fc.nat(7),
        (member, at, bit) => {
          const bytes = bundle[member].slice()
          bytes[at % bytes.length]! ^= 1 << bit
          expect(() => verifyOmsWithKey({ ...bundle, [member]: bytes }, pinned)).toThrow(
            refused('OMS_SIGNATURE'),
          )
        },
      ),
      { numRuns: 200 },
    )
  })

  it('is asked of elliptic curves only', () => {
    expect(() => parseOmsKey('')).toThrow(SottoError)
    expect(() => parseOmsKey(fakeRoot().pem)).toThrow(SottoError)
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
    expect(() => parseOmsKey(rsa.export({ type: 'spki', format: 'pem' }).toString())).toThrow(
      expect.objectContaining({ code: 'OMS_UNSUPPORTED' }) as Error,
    )
  })
})

describe('a signature by a certificate', () => {
  const root = fakeRoot({ commonName: 'Root' })
  const middle = root.issue({ commonName: 'Middle', ca: true })
  const options = { roots: [root.certificate], at: FAKE_NOW }
  const issue = (change: FakeCertificateOptions = {}): FakeIdentity =>
    middle.issue({ commonName: 'Signer', extendedKeyUsage: [CODE_SIGNING], ...change })
  const signedBy = (leaf: FakeIdentity, ...rest: FakeIdentity[]): Uint8Array =>
    signOms(
      { name: 'model', files, ignorePaths: [] },
      { identity: { chain: [leaf, ...rest].map(({ der }) => der) }, sign: (m) => leaf.key.sign(m) },
    )
  const verify = (bytes: Uint8Array, change = {}): ReturnType<typeof verifyOmsWithCertificates> =>
    verifyOmsWithCertificates(parseOmsBundle(bytes), { ...options, ...change })

  it('leads to a pinned root, and says who signed', () => {
    const { statement, path } = verify(signedBy(issue(), middle))
    expect(statement.resources).toEqual(files)
    expect(path.chain.map(({ commonName }) => commonName)).toEqual(['Signer', 'Middle', 'Root'])
  })

  it.each<[string, FakeCertificateOptions]>([
    ['TLS servers', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }],
    ['signing certificates', { keyUsage: KEY_USAGE.keyCertSign }],
    ['no stated purpose', { keyUsage: null, extendedKeyUsage: undefined as never }],
  ])('is refused when the certificate is for %s', (_what, change) => {
    const leaf =
      'extendedKeyUsage' in change && change.extendedKeyUsage === undefined
        ? middle.issue({ commonName: 'Signer', keyUsage: null })
        : issue(change)
    expect(() => verify(signedBy(leaf, middle))).toThrow(refused('OMS_SIGNATURE'))
  })

  it('is refused past the end of a certificate, and under another root', () => {
    const bytes = signedBy(issue({ notAfter: FAKE_NOW - 1 }), middle)
    expect(() => verify(bytes)).toThrow(refused('X509_EXPIRED'))
    expect(verify(bytes, { at: FAKE_NOW - 10 }).statement.name).toBe('model')
    expect(() => verify(signedBy(issue(), middle), { roots: [fakeRoot().certificate] })).toThrow(
      refused('X509_CHAIN'),
    )
    expect(() => verify(signedBy(issue(), middle), { at: Number.NaN })).toThrow(refused('X509_EXPIRED'))
  })

  it('is refused when the holder did not sign', () => {
    const [leaf, thief] = [issue(), issue()]
    const bytes = signOms(
      { name: 'model', files, ignorePaths: [] },
      { identity: { chain: [leaf.der, middle.der] }, sign: (m) => thief.key.sign(m) },
    )
    expect(() => verify(bytes)).toThrow(refused('OMS_SIGNATURE'))
  })

  it('is no signature by a key, nor the other way round', () => {
    expect(() => verifyOmsWithKey(parseOmsBundle(signedBy(issue(), middle)), pinned)).toThrow(
      refused('OMS_SIGNATURE'),
    )
    expect(() => verify(signature)).toThrow(refused('OMS_SIGNATURE'))
  })
})

describe('the files of a model', () => {
  const statement = parseOmsStatement(parseOmsBundle(signature).payload)
  const file = (digest: string): ObservedFile => ({ size: 1, digests: [digest] })
  const good = (): Map<string, ObservedFile> => new Map(files.map(({ path, digest }) => [path, file(digest)]))
  const none = { changed: [], missing: [], extra: [], uncovered: [] }

  it('are what was signed, or named', () => {
    expect(compareOms(statement, good())).toEqual(none)
    expect(compareOms(statement, good().set('config.json', file('0'.repeat(64))))).toEqual({
      ...none,
      changed: ['config.json'],
    })
    expect(compareOms(statement, good().set('new', file('0'.repeat(64))))).toEqual({
      ...none,
      extra: ['new'],
    })
    const less = good()
    less.delete('a/weights')
    expect(compareOms(statement, less)).toEqual({ ...none, missing: ['a/weights'] })
    expect(compareOms(statement, new Map())).toEqual({ ...none, missing: ['a/weights', 'config.json'] })
  })

  it('are never signed under a name that would be refused', () => {
    for (const path of ['../a', '/a', 'a\0', 'a:b'])
      expect(() =>
        signOms({ name: 'm', files: [{ path, digest: files[0]!.digest }], ignorePaths: [] }, signer),
      ).toThrow(refused('OMS_PATH'))
    const twice = ['A', 'a'].map((path) => ({ path, digest: files[0]!.digest }))
    expect(() => signOms({ name: 'm', files: twice, ignorePaths: [] }, signer)).toThrow(refused('OMS_PATH'))
  })
})
