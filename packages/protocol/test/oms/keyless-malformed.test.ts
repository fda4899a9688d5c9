import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FAKE_NOW, fakeKey } from '@sotto/testkit/x509'
import { fromUtf8, toBase64, utf8 } from '../../src/bytes/index.ts'
import { SottoError } from '../../src/errors/index.ts'
import {
  MAX_OMS_TRUSTED_ROOT_BYTES,
  parseOmsBundle,
  parseOmsTrustedRoot,
  verifyOmsKeyless,
} from '../../src/oms/index.ts'
import { requireIdentity } from '../../src/oms/keyless-identity.ts'
import { isValidAt } from '../../src/oms/keyless-root.ts'
import { verifyScts } from '../../src/oms/keyless-sct.ts'
import {
  certify,
  type Entry,
  fulcio,
  IDENTITY,
  ISSUER,
  type RootFile,
  rootFile,
  signKeyless,
} from './fake-sigstore.ts'

const trustedRoot = parseOmsTrustedRoot(rootFile())
const options = { trustedRoot, identity: IDENTITY, issuer: ISSUER }
const refused = (code: string): Error => expect.objectContaining({ code, action: 'fix-input' }) as Error

describe('a trusted root', () => {
  it.each<[string, (root: RootFile) => void]>([
    ['another media type', (r) => (r.mediaType = 'application/vnd.dev.sigstore.signingconfig.v0.2+json')],
    ['no log', (r) => (r.tlogs = [])],
    ['no list of logs', (r) => Reflect.deleteProperty(r, 'tlogs')],
    ['no authority', (r) => (r.certificateAuthorities = [])],
    ['too many logs', (r) => (r.ctlogs = Array.from({ length: 33 }, () => r.ctlogs![0]!))],
    ['an authority without certificates', (r) => (r.certificateAuthorities[0]!.certChain.certificates = [])],
    [
      'a certificate that is none',
      (r) =>
        (r.certificateAuthorities[0]!.certChain.certificates[0]!.rawBytes = toBase64(new Uint8Array(99))),
    ],
    ['an unknown member', (r) => Object.assign(r, { more: [] })],
    ['an unknown member of a log', (r) => Object.assign(r.tlogs[0]!, { weight: 1 })],
    ['a log identifier that is too short', (r) => (r.tlogs[0]!.logId.keyId = 'AAAA')],
    ['a log without an identifier', (r) => Reflect.deleteProperty(r.tlogs[0]!, 'logId')],
    ['another hash', (r) => (r.tlogs[0]!.hashAlgorithm = 'SHA2_512')],
    ['a key that is none', (r) => (r.tlogs[0]!.publicKey.rawBytes = toBase64(new Uint8Array(91)))],
    ['a key of another name', (r) => (r.tlogs[0]!.publicKey.keyDetails = 'PKIX_ECDSA_P384_SHA_384')],
    ['a time without a zone', (r) => (r.tlogs[0]!.publicKey.validFor = { start: '2025-01-01T00:00:00' })],
    ['a day that is none', (r) => (r.tlogs[0]!.publicKey.validFor = { end: '2025-02-30T00:00:00Z' })],
    [
      'an hour that is none',
      (r) => (r.certificateAuthorities[0]!.validFor = { end: '2025-02-01T25:00:00Z' }),
    ],
    ['a time that is a number', (r) => (r.certificateAuthorities[0]!.validFor = { start: 1_700_000_000 })],
    ['an unknown kind of time', (r) => (r.certificateAuthorities[0]!.validFor = { from: 1 } as object)],
  ])('with %s is refused', (_what, change) => {
    expect(() => parseOmsTrustedRoot(rootFile(change))).toThrow(refused('OMS_TRUSTED_ROOT'))
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['a bundle', fromUtf8(signKeyless())],
    ['a name twice', fromUtf8(rootFile()).replace('"tlogs"', '"tlogs":[],"tlogs"')],
    ['endless depth', '['.repeat(100_000)],
    ['too long', `${fromUtf8(rootFile())}${' '.repeat(MAX_OMS_TRUSTED_ROOT_BYTES)}`],
  ])('that is %s is refused', (_what, text) => {
    expect(() => parseOmsTrustedRoot(utf8(text))).toThrow(refused('OMS_TRUSTED_ROOT'))
  })

  it('may have logs with keys of other kinds, times on both ends or none, and other media types', () => {
    const root = parseOmsTrustedRoot(
      rootFile((file) => {
        file.mediaType = 'application/vnd.dev.sigstore.trustedroot.v0.2+json'
        file.tlogs[0]!.publicKey = { rawBytes: toBase64(new Uint8Array(44)), keyDetails: 'PKIX_ED25519' }
        delete file.certificateAuthorities[0]!.validFor
        delete file.timestampAuthorities
      }),
    )
    expect(root.logs).toMatchObject([{ publicKey: undefined, keyDetails: 'PKIX_ED25519' }])
    expect(root.authorities.every((one) => isValidAt(one, 0) && isValidAt(one, FAKE_NOW))).toBe(true)
    expect(isValidAt(root.authorities[0]!, Number.NaN)).toBe(false)
    expect(root.certificateLogs[0]!.validFor).toEqual({ start: Date.UTC(2025) / 1000, end: Infinity })
  })

  it('of any bytes is read or refused by name', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(utf8)), (bytes) => {
        expect(() => parseOmsTrustedRoot(bytes)).toThrow(refused('OMS_TRUSTED_ROOT'))
      }),
    )
  })

  it('is refused by name with anything in any place, or trusted as before', () => {
    const good = JSON.parse(fromUtf8(rootFile())) as unknown
    fc.assert(
      fc.property(fc.constantFrom(...placesOf(good)), anyJson, (place, value) => {
        let root
        try {
          root = parseOmsTrustedRoot(utf8(JSON.stringify(replaced(good, place, value))))
        } catch (error) {
          expect(error).toMatchObject({ code: 'OMS_TRUSTED_ROOT', action: 'fix-input' })
          return
        }
        expect(root.authorities.every(({ chain }) => chain.length > 0)).toBe(true)
        expect(root.logs.length).toBeGreaterThan(0)
      }),
      { numRuns: 300 },
    )
  })
})

describe('an entry of a log', () => {
  const bundle = (change: (entry: Entry) => void): Uint8Array =>
    signKeyless({ bundle: ({ verificationMaterial }) => change(verificationMaterial.tlogEntries[0]!) })
  const verify = (bytes: Uint8Array): unknown => verifyOmsKeyless(parseOmsBundle(bytes), options)

  it.each<[string, (entry: Entry) => void]>([
    ['a log identifier that is too short', (e) => (e.logId.keyId = 'AAAA')],
    ['no inclusion proof', (e) => Reflect.deleteProperty(e, 'inclusionProof')],
    ['no checkpoint', (e) => Reflect.deleteProperty(e.inclusionProof, 'checkpoint')],
    ['no body', (e) => (e.canonicalizedBody = '')],
    ['a body that is too long', (e) => (e.canonicalizedBody = toBase64(new Uint8Array(65_537)))],
    ['a body that is no base64', (e) => (e.canonicalizedBody = `${e.canonicalizedBody} `)],
    ['a negative place', (e) => (e.logIndex = '-1')],
    ['a place with a zero before it', (e) => (e.logIndex = '01')],
    ['a place past 2^53', (e) => (e.logIndex = '9007199254740993')],
    ['a place that is no whole number', (e) => (e.logIndex = 1.5)],
    ['a place in another spelling', (e) => (e.logIndex = '1e3')],
    ['no time', (e) => (e.integratedTime = '0')],
    ['a time without a date', (e) => (e.integratedTime = '253402300800')],
    ['a hash that is too short', (e) => (e.inclusionProof.hashes![0] = 'AAAA')],
    ['too many hashes', (e) => (e.inclusionProof.hashes = Array.from({ length: 54 }, () => e.logId.keyId))],
    ['a kind in capitals', (e) => (e.kindVersion.kind = 'DSSE')],
    ['an unknown member', (e) => Object.assign(e, { more: 1 })],
    ['null for a member', (e) => (e.integratedTime = null)],
  ])('with %s is refused', (_what, change) => {
    expect(() => verify(bundle(change))).toThrow(refused('OMS_MALFORMED'))
  })

  it('may have numbers as numbers', () => {
    verify(
      bundle((entry) => {
        entry.logIndex = 1001
        entry.integratedTime = FAKE_NOW
        entry.inclusionProof.treeSize = 3
      }),
    )
  })

  it('and the whole bundle are refused by name with anything in any place, or mean the same', () => {
    const good = JSON.parse(fromUtf8(signKeyless())) as unknown
    fc.assert(
      fc.property(fc.constantFrom(...placesOf(good)), anyJson, (place, value) => {
        const bytes = utf8(JSON.stringify(replaced(good, place, value)))
        let found
        try {
          found = verifyOmsKeyless(parseOmsBundle(bytes), options)
        } catch (error) {
          expect(error).toBeInstanceOf(SottoError)
          return
        }
        expect(found).toMatchObject({ integratedTime: FAKE_NOW, statement: { name: 'model' } })
        expect(place.join('.')).toMatch(
          /^(?:verificationMaterial\.timestampVerificationData|.*\.keyid|.*Index|.*integratedTime|.*treeSize)/,
        )
      }),
      { numRuns: 500 },
    )
  })
})

describe('extensions of a certificate', () => {
  const { key } = certify()
  const withValue = (oid: string, value: Uint8Array): Parameters<typeof requireIdentity>[0] =>
    certify({ key, extensions: [{ oid, value }] }, []).certificate

  it('of any bytes are read or refused by name', () => {
    const oid = fc.constantFrom('2.5.29.17', '1.3.6.1.4.1.57264.1.1', '1.3.6.1.4.1.57264.1.8')
    const headers = fc.constantFrom([], [0x30, 20, 0x81, 18], [0x30, 20, 0xa0, 18, 6, 2, 42, 3], [0x0c, 20])
    fc.assert(
      fc.property(oid, headers, fc.uint8Array({ maxLength: 24 }), (id, header, bytes) => {
        const leaf = withValue(id, Uint8Array.of(...header, ...bytes))
        expect(() => requireIdentity(leaf, { identity: IDENTITY, issuer: ISSUER })).toThrow(
          expect.objectContaining({ code: 'OMS_CERTIFICATE' }) as Error,
        )
      }),
      { numRuns: 200 },
    )
  })

  it('with timestamps of any bytes are refused by name', () => {
    const header = fc.constantFrom([], [4, 40, 0, 38, 0, 36, 0], [4, 4, 0, 2])
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 40 }), (first, bytes) => {
        const leaf = withValue('1.3.6.1.4.1.11129.2.4.2', Uint8Array.of(...first, ...bytes))
        expect(() => verifyScts(leaf, fulcio.certificate, trustedRoot)).toThrow(
          expect.objectContaining({ code: 'OMS_SCT', action: 'stop' }) as Error,
        )
      }),
      { numRuns: 200 },
    )
  })

  it('are not found in a certificate of another key', () => {
    expect(() =>
      verifyScts(certify({ key: fakeKey() }, []).certificate, fulcio.certificate, trustedRoot),
    ).toThrow(/no certificate log/)
  })
})

const anyJson = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    null,
    '',
    '0',
    0,
    -1,
    [],
    {},
    'AAAA',
    toBase64(new Uint8Array(32)),
    toBase64(new Uint8Array(71)),
  ),
)

/** Every member of a JSON value, by its path. */
function placesOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => [
    [...path, name],
    ...placesOf(member, [...path, name]),
  ])
}

function replaced(value: unknown, path: string[], by: unknown): unknown {
  const copy = structuredClone(value) as Record<string, unknown>
  let at = copy
  for (const name of path.slice(0, -1)) at = at[name] as Record<string, unknown>
  at[path.at(-1)!] = by
  return copy
}
