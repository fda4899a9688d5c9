import { describe, expect, it } from 'vitest'
import { isSignedBy, KEY_USAGE } from '@sotto/protocol/x509'
import {
  FAKE_NOW,
  type FakeCertificateOptions,
  type FakeIdentity,
  fakeKey,
  fakeRoot,
} from '@sotto/testkit/x509'
import { chainOf, intermediate, refusal, root, verify } from './fake-path.ts'

const DAY = 86_400
const leaf = intermediate.issue({ commonName: 'Leaf' })

describe('a path', () => {
  it('leads from a leaf to a pinned root', () => {
    const path = verify([leaf, intermediate, root])
    expect(path.root).toBe(root.certificate)
    expect(path.chain.map(({ commonName }) => commonName)).toEqual(['Leaf', 'Intermediate', 'Fake Root'])
  })

  it('may leave the root out', () => {
    expect(verify([leaf, intermediate]).chain).toEqual(chainOf(leaf, intermediate, root))
    expect(verify([leaf, intermediate]).root).toBe(root.certificate)
  })

  it('finds its root among several, also among those of one name', () => {
    const namesake = fakeRoot({ curve: 'P-384' })
    const roots = [namesake.certificate, fakeRoot({ commonName: 'Another' }).certificate, root.certificate]
    expect(verify([leaf, intermediate], { roots }).root).toBe(root.certificate)
    expect(verify([leaf, intermediate, root], { roots }).root).toBe(root.certificate)
  })

  it('may be the root alone', () => {
    expect(verify([root]).chain).toEqual([root.certificate])
  })

  it('may end in a pinned certificate that is no root', () => {
    expect(verify([leaf, intermediate], { roots: [intermediate.certificate] }).chain).toHaveLength(2)
    expect(verify([leaf], { roots: [intermediate.certificate] }).root).toBe(intermediate.certificate)
  })

  it('is valid while all of its certificates are', () => {
    const short = root.issue({ commonName: 'Short', ca: true, notBefore: FAKE_NOW - DAY })
    const shorter = short.issue({ notAfter: FAKE_NOW + DAY })
    const path = verify([shorter, short, root])
    expect(path).toMatchObject({ notBefore: FAKE_NOW - DAY, notAfter: FAKE_NOW + DAY })
    const ending = root.issue({ commonName: 'Ending', ca: true, notAfter: FAKE_NOW + DAY })
    expect(verify([ending.issue({ notBefore: FAKE_NOW - DAY }), ending])).toMatchObject({
      notBefore: FAKE_NOW - DAY,
      notAfter: FAKE_NOW + DAY,
    })
    expect(verify([shorter, short], { at: path.notBefore })).toBeDefined()
    expect(verify([shorter, short], { at: path.notAfter })).toBeDefined()
  })
})

describe('one wrong thing makes X509_CHAIN', () => {
  const other = fakeRoot({ commonName: 'Other Root' })
  const under = (options: FakeCertificateOptions): FakeIdentity[] => {
    const wrong = root.issue({ commonName: 'Wrong', ca: true, ...options })
    return [wrong.issue(), wrong, root]
  }
  const wrongKey = intermediate.issue({ signWith: fakeKey('P-256') })
  const wrongCurve = intermediate.issue({ signWith: fakeKey('P-384') })
  const otherName = intermediate.issue({ issuerName: 'Somebody' })
  const asIntermediate = other.issue({ commonName: 'Intermediate', ca: true })

  it.each<[string, FakeIdentity[], string]>([
    ['no certificate', [], 'there is no certificate'],
    ['another root', [other.issue(), other], 'path ends in a root that is not pinned'],
    ['another root left out', [other.issue()], 'no pinned root issued the last certificate'],
    ['a root of the same name', [leaf, intermediate, fakeRoot()], 'path ends in a root that is not pinned'],
    [
      'a self-signed leaf',
      [fakeRoot({ commonName: 'Leaf', ca: false })],
      'path ends in a root that is not pinned',
    ],
    [
      'the root issued anew',
      [leaf, intermediate, fakeRoot({ key: root.key })],
      'path ends in a root that is not pinned',
    ],
    ['something after the root', [leaf, intermediate, root, other], 'path ends in a root that is not pinned'],
    ['an intermediate left out', [leaf, root], 'certificate names another issuer'],
    ['the wrong order', [intermediate, leaf, root], 'issuer is not a certification authority'],
    ['one certificate twice', [leaf, intermediate, intermediate, root], 'certificate names another issuer'],
    ['a leaf of another key', [wrongKey, intermediate, root], 'certificate is not signed by its issuer'],
    [
      'a leaf of a key on another curve',
      [wrongCurve, intermediate, root],
      'certificate is not signed by its issuer',
    ],
    // Judged from the root down: it is no issuer before anything is verified by its key.
    ['an issuer of the right name only', [leaf, asIntermediate, root], 'certificate names another issuer'],
    ['another issuer name', [otherName, intermediate, root], 'certificate names another issuer'],
    [
      'an intermediate that no root signed',
      [asIntermediate.issue(), asIntermediate],
      'no pinned root issued the last certificate',
    ],
    [
      'an issuer that is a leaf',
      [leaf.issue(), leaf, intermediate, root],
      'issuer is not a certification authority',
    ],
    [
      'an issuer with CA false',
      under({ ca: false, keyUsage: KEY_USAGE.keyCertSign }),
      'issuer is not a certification authority',
    ],
    [
      'an issuer without basicConstraints',
      under({ ca: null, keyUsage: KEY_USAGE.keyCertSign }),
      'issuer is not a certification authority',
    ],
    ['an issuer without keyUsage', under({ keyUsage: null }), 'issuer may not sign certificates'],
    [
      'an issuer that may sign CRLs only',
      under({ keyUsage: KEY_USAGE.cRLSign }),
      'issuer may not sign certificates',
    ],
  ])('%s', (_, identities, message) => {
    expect(refusal(() => verify(identities), 'X509_CHAIN')).toBe(message)
  })

  it('no pinned root at all', () => {
    expect(refusal(() => verify([leaf, intermediate, root], { roots: [] }), 'X509_CHAIN')).toBe(
      'path ends in a root that is not pinned',
    )
  })

  it('a pinned root that is no authority', () => {
    const bare = fakeRoot({ ca: null, keyUsage: null })
    expect(refusal(() => verify([bare.issue()], { roots: [bare.certificate] }), 'X509_CHAIN')).toBe(
      'issuer is not a certification authority',
    )
  })
})

describe('lengths', () => {
  const limited = root.issue({ commonName: 'Limited', ca: true, pathLength: 0 })
  const below = limited.issue({ commonName: 'Below', ca: true })

  it('a path length of 0 allows a leaf', () => {
    expect(verify([limited.issue(), limited, root]).chain).toHaveLength(3)
    // A leaf that is an authority itself issued nothing here.
    expect(verify([below, limited, root]).chain).toHaveLength(3)
  })

  it('and no intermediate', () => {
    expect(refusal(() => verify([below.issue(), below, limited, root]), 'X509_CHAIN')).toBe(
      'path below an issuer is too long',
    )
  })

  it('of the pinned root count as well', () => {
    const short = fakeRoot({ pathLength: 0 })
    const one = short.issue({ commonName: 'One', ca: true })
    const roots = [short.certificate]
    expect(verify([one, short], { roots }).chain).toHaveLength(2)
    for (const identities of [
      [one.issue(), one, short],
      [one.issue(), one],
    ])
      expect(refusal(() => verify(identities, { roots }), 'X509_CHAIN')).toBe(
        'path below an issuer is too long',
      )
  })

  it('do not count self-issued certificates, as RFC 5280 says', () => {
    const renewed = limited.issue({ commonName: 'Limited', ca: true })
    expect(verify([renewed.issue(), renewed, limited, root]).chain).toHaveLength(4)
  })

  it('are bounded', () => {
    const identities = [root]
    for (let i = 0; i < 10; i++) identities.unshift(identities[0]!.issue({ commonName: `${i}`, ca: true }))
    expect(verify(identities.slice(1)).chain).toHaveLength(10)
    expect(refusal(() => verify(identities), 'X509_CHAIN')).toBe('path is too long')
    expect(refusal(() => verify(identities.slice(0, -1)), 'X509_CHAIN')).toBe('path is too long')
    expect(verify(identities, { maxLength: 11 }).chain).toHaveLength(11)
    expect(refusal(() => verify([leaf, intermediate], { maxLength: 2 }), 'X509_CHAIN')).toBe(
      'path is too long',
    )
  })
})

describe('dates', () => {
  const past = { notBefore: FAKE_NOW - 2 * DAY, notAfter: FAKE_NOW - DAY }
  const future = { notBefore: FAKE_NOW + DAY, notAfter: FAKE_NOW + 2 * DAY }
  const oldRoot = fakeRoot(past)
  const oldIntermediate = root.issue({ commonName: 'Old', ca: true, ...past })

  it.each<[string, FakeIdentity[], string]>([
    ['a leaf that has expired', [intermediate.issue(past), intermediate], 'certificate has expired'],
    ['a leaf of the future', [intermediate.issue(future), intermediate], 'certificate is not valid yet'],
    [
      'an intermediate that has expired',
      [oldIntermediate.issue(), oldIntermediate],
      'certificate has expired',
    ],
    ['a pinned root that has expired', [oldRoot.issue(), oldRoot], 'certificate has expired'],
    ['a pinned root that has expired and was left out', [oldRoot.issue()], 'certificate has expired'],
  ])('%s', (_, identities, message) => {
    const roots = [root.certificate, oldRoot.certificate]
    expect(refusal(() => verify(identities, { roots }), 'X509_EXPIRED')).toBe(message)
    expect(verify(identities, { roots, verifyDates: false }).chain.length).toBeGreaterThan(1)
  })

  it('one second before and after', () => {
    const { notBefore, notAfter } = verify([leaf, intermediate])
    for (const at of [notBefore - 1, notAfter + 1, Number.NaN])
      expect(refusal(() => verify([leaf, intermediate], { at }), 'X509_EXPIRED')).toMatch(/^certificate /)
  })

  it('are judged last', () => {
    const expiredAndForged = intermediate.issue({ ...past, signWith: fakeKey() })
    expect(refusal(() => verify([expiredAndForged, intermediate]), 'X509_CHAIN')).toBe(
      'certificate is not signed by its issuer',
    )
  })

  it('that contradict each other are never valid', () => {
    const never = intermediate.issue({ notBefore: FAKE_NOW + 1, notAfter: FAKE_NOW - 1 })
    expect(refusal(() => verify([never, intermediate]), 'X509_EXPIRED')).toBe('certificate is not valid yet')
  })
})

describe('isSignedBy', () => {
  it('wants the name and the signature', () => {
    expect(isSignedBy(leaf.certificate, intermediate.certificate)).toBe(true)
    expect(isSignedBy(leaf.certificate, root.certificate)).toBe(false)
    const renamed = fakeRoot({ commonName: 'Renamed', key: intermediate.key })
    expect(isSignedBy(leaf.certificate, renamed.certificate)).toBe(false)
    const namesake = fakeRoot({ commonName: 'Intermediate' })
    expect(isSignedBy(leaf.certificate, namesake.certificate)).toBe(false)
  })
})
