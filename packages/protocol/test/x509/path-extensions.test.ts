import { describe, expect, it } from 'vitest'
import { derWriter, type FakeIdentity, fakeRoot } from '@sotto/testkit/x509'
import { intermediate, refusal, root, verify } from './fake-path.ts'

const { oid, sequence } = derWriter

describe('critical extensions', () => {
  const unknown = { oid: '1.3.6.1.4.1.99999.1', critical: true, value: Uint8Array.of(5, 0) }
  const special = intermediate.issue({ extensions: [unknown] })
  const odd = root.issue({ commonName: 'Odd', ca: true, extensions: [unknown] })
  const oddRoot = fakeRoot({ extensions: [unknown] })

  it.each<[string, FakeIdentity[]]>([
    ['a leaf', [special, intermediate]],
    ['an intermediate', [odd.issue(), odd]],
    ['a pinned root', [oddRoot.issue(), oddRoot]],
  ])('that nobody understands are refused in %s', (_, identities) => {
    const roots = [root.certificate, oddRoot.certificate]
    expect(refusal(() => verify(identities, { roots }), 'X509_CRITICAL')).toBe(
      'certificate has an unknown critical extension',
    )
    expect(verify(identities, { roots, knownCritical: [unknown.oid] }).chain.length).toBeGreaterThan(1)
  })

  it.each(['2.5.29.30', '2.5.29.32', '2.5.29.36'])('of RFC 5280 without an implementation too: %s', (oid) => {
    const constrained = intermediate.issue({ extensions: [{ ...unknown, oid }] })
    expect(refusal(() => verify([constrained, intermediate]), 'X509_CRITICAL')).toMatch(/unknown/)
  })

  it('may be unknown when they are not critical', () => {
    const harmless = intermediate.issue({ extensions: [{ ...unknown, critical: false }] })
    expect(verify([harmless, intermediate]).chain).toHaveLength(3)
  })
})

describe('an authority that is limited to purposes', () => {
  const [CODE, TIME, ANY] = ['1.3.6.1.5.5.7.3.3', '1.3.6.1.5.5.7.3.8', '2.5.29.37.0']
  const limited = (critical: boolean, ...purposes: string[]): FakeIdentity =>
    root.issue({
      commonName: 'Limited',
      ca: true,
      extensions: [{ oid: '2.5.29.37', critical, value: sequence(...purposes.map(oid)) }],
    })
  const below = (issuer: FakeIdentity, ...purposes: string[]): FakeIdentity[] => [
    issuer.issue(purposes.length > 0 ? { extendedKeyUsage: purposes } : {}),
    issuer,
  ]

  it.each<[string, FakeIdentity[]]>([
    ['for the same', below(limited(true, CODE), CODE)],
    ['for one of them', below(limited(true, TIME, CODE), CODE)],
    ['for all, under anyExtendedKeyUsage', below(limited(true, ANY), CODE)],
    ['for everything, under anyExtendedKeyUsage', below(limited(true, ANY))],
    ['for something else, where that is only advice', below(limited(false, TIME), CODE)],
  ])('may certify %s', (_, identities) => {
    expect(verify(identities).chain).toHaveLength(3)
  })

  it.each<[string, FakeIdentity[]]>([
    ['something else', below(limited(true, TIME), CODE)],
    ['the same and something else', below(limited(true, TIME), TIME, CODE)],
    ['everything', below(limited(true, TIME))],
    ['everything by name', below(limited(true, TIME), ANY)],
    [
      'something else further down',
      (() => {
        const top = limited(true, TIME)
        const middle = top.issue({ commonName: 'Middle', ca: true, extendedKeyUsage: [TIME] })
        return [middle.issue({ extendedKeyUsage: [CODE] }), middle, top]
      })(),
    ],
  ])('may not certify for %s', (_, identities) => {
    expect(refusal(() => verify(identities), 'X509_CHAIN')).toBe('issuer certifies for other purposes')
  })
})
