import { p256 } from '@noble/curves/nist.js'
import * as fc from 'fast-check'
import { createPublicKey, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { MEMBER_JWS_TYPES, parseMemberJws, signMemberJws, verifyMemberJws } from '@sotto/protocol/governance'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { alice, ballotOn, bob, carol, first, GENESIS, mallory, NOW, PROPOSALS } from './members.ts'

const RUNS = process.env['SLOW'] ? 2000 : 100
const code = (name: string): unknown => expect.objectContaining({ code: name })
const malformed = code('GOVERNANCE_MALFORMED')
const BALLOT = ballotOn(PROPOSALS.rotate)
const TYP = MEMBER_JWS_TYPES.ballot
const part = (value: unknown): string =>
  toBase64Url(utf8(typeof value === 'string' ? value : JSON.stringify(value)))
const canonical = fromUtf8(fromBase64Url(signMemberJws('ballot', BALLOT, alice).split('.')[1]!))

/** A token with any header, rightly signed over it. */
function issue(header: unknown, payload: string = canonical, signer = alice): string {
  const signed = `${part(header)}.${part(payload)}`
  return `${signed}.${toBase64Url(signer.sign(utf8(signed)))}`
}
const verified = (token: string): unknown => verifyMemberJws(parseMemberJws(token, 'ballot'), first.members)

describe('what a member signs', () => {
  it.each([
    ['Ed25519', alice, 'alice', 'EdDSA'],
    ['P-256', carol, 'carol', 'ES256'],
  ] as const)('with %s verifies as what that member said', (_, signer, name, alg) => {
    const token = signMemberJws('ballot', BALLOT, signer)
    expect(JSON.parse(fromUtf8(fromBase64Url(token.split('.')[0]!)))).toEqual({
      alg,
      kid: signer.key,
      typ: TYP,
    })
    expect(verified(token)).toEqual({
      token,
      member: { name, key: signer.key },
      document: BALLOT,
      id: documentDigest(BALLOT),
    })
  })

  it('is JWS that other libraries verify: RFC 7515 with ES256 of RFC 7518', () => {
    const [header, payload, signature] = signMemberJws('ballot', BALLOT, carol).split('.') as [
      string,
      string,
      string,
    ]
    const [x, y] = [fromBase64Url(carol.key).subarray(1, 33), fromBase64Url(carol.key).subarray(33)]
    const jwk = { kty: 'EC', crv: 'P-256', x: toBase64Url(x), y: toBase64Url(y) }
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    expect(
      verify(
        'sha256',
        utf8(`${header}.${payload}`),
        { key, dsaEncoding: 'ieee-p1363' },
        fromBase64Url(signature),
      ),
    ).toBe(true)
  })

  it('counts only for members', () => {
    expect(() => verified(signMemberJws('ballot', BALLOT, mallory))).toThrow(code('GOVERNANCE_SIGNATURE'))
    const stolen = issue({ alg: 'EdDSA', kid: bob.key, typ: TYP })
    expect(() => verified(stolen)).toThrow(code('GOVERNANCE_SIGNATURE'))
  })

  it('with both spellings of an ECDSA signature is the same statement', () => {
    const token = signMemberJws('ballot', BALLOT, carol)
    const [header, payload, signature] = token.split('.') as [string, string, string]
    const { r, s } = p256.Signature.fromBytes(fromBase64Url(signature), 'compact')
    const twin = new p256.Signature(r, p256.Point.Fn.ORDER - s).toBytes('compact')
    const other = `${header}.${payload}.${toBase64Url(twin)}`
    expect(other).not.toBe(token)
    const statement = verified(token) as { token: string }
    expect(verified(other)).toEqual({ ...statement, token: other })
  })
})

const EDDSA = { alg: 'EdDSA', kid: alice.key, typ: TYP }
const HEADERS: [string, unknown][] = [
  ['no algorithm at all', { ...EDDSA, alg: 'none' }],
  ['the algorithm of another kind of key', { ...EDDSA, alg: 'ES256' }],
  ['a symmetric algorithm', { ...EDDSA, alg: 'HS256' }],
  ['no key', { alg: 'EdDSA', typ: TYP }],
  ['no type', { alg: 'EdDSA', kid: alice.key }],
  ['another type', { ...EDDSA, typ: MEMBER_JWS_TYPES.hold }],
  ['a shortened type', { ...EDDSA, typ: TYP.replace('application/', '') }],
  ['crit', { ...EDDSA, crit: ['exp'], exp: 1 }],
  ['an unencoded payload', { ...EDDSA, b64: false }],
  ['a key it brings along', { ...EDDSA, jwk: { kty: 'OKP', crv: 'Ed25519', x: alice.key } }],
  ['certificates', { ...EDDSA, x5c: ['AAAA'] }],
  ['an address of keys', { ...EDDSA, jku: 'https://keys.example' }],
  ['an unknown member', { ...EDDSA, zip: 'DEF' }],
  ['members in another order', { typ: TYP, kid: alice.key, alg: 'EdDSA' }],
  ['white space', `{ "alg":"EdDSA","kid":"${alice.key}","typ":"${TYP}"}`],
  ['a member twice', `{"alg":"EdDSA","kid":"${alice.key}","kid":"${bob.key}","typ":"${TYP}"}`],
  ['a key of a wrong length', { ...EDDSA, kid: alice.key.slice(4) }],
  ['a list', []],
]

describe('a header is refused', () => {
  it.each(HEADERS)('with %s', (_, header) => {
    expect(() => verified(issue(header))).toThrow(malformed)
  })
})

const PAYLOADS: [string, string][] = [
  ['not in canonical form', JSON.stringify(BALLOT)],
  ['with white space', ` ${canonical}`],
  ['with a member twice', canonical.replace('{', '{"version":1,')],
  ['with an unknown member', canonical.replace('}', ',"weight":2}')],
  ['that is of another kind', fromUtf8(utf8('{"reason":"x"}'))],
  ['that is empty', ''],
  ['with a third choice', canonical.replace('"accept"', '"abstain"')],
]

describe('a payload is refused', () => {
  it.each(PAYLOADS)('%s', (_, payload) => {
    expect(() => verified(issue(EDDSA, payload))).toThrow(malformed)
  })
})

describe('a token is refused', () => {
  const token = signMemberJws('ballot', BALLOT, alice)
  it.each([
    ['with padding', `${token}=`],
    ['with another last bit', token.replace(/.$/, (last) => (last === 'B' ? 'C' : 'B'))],
    ['with white space', `${token}\n`],
    ['in two parts', token.slice(0, token.lastIndexOf('.'))],
    ['in four parts', `${token}.`],
    ['without a signature', token.slice(0, token.lastIndexOf('.') + 1)],
    ['that is too long', `${token}${'A'.repeat(37_632)}`],
  ])('%s', (_, changed) => {
    expect(() => verified(changed)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^GOVERNANCE_/) }),
    )
  })

  it('as another kind of statement', () => {
    for (const type of ['proposal', 'hold'] as const)
      expect(() => parseMemberJws(token, type)).toThrow(malformed)
    const hold = { version: 1, genesis: GENESIS, reason: 'x', createdAt: NOW } as const
    expect(() => parseMemberJws(signMemberJws('hold', hold, alice), 'ballot')).toThrow(malformed)
  })

  it('whatever single character of it is another', () => {
    const alphabet = 'ABab09-_.= \u00fc'
    const any = fc.tuple(fc.nat(token.length - 1), fc.constantFrom(...alphabet))
    fc.assert(
      fc.property(any, ([at, character]) => {
        if (token[at] === character) return
        const changed = token.slice(0, at) + character + token.slice(at + 1)
        expect(() => verified(changed)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^GOVERNANCE_/) }),
        )
      }),
      { numRuns: RUNS },
    )
  })

  it('and a refusal is remembered by nobody: the honest token verifies before and after', () => {
    const forged = `${token.slice(0, -3)}AAA`
    for (const [each, works] of [
      [token, true],
      [forged, false],
      [token, true],
      [forged, false],
    ] as const) {
      if (works) expect(verified(each)).toBeDefined()
      else expect(() => verified(each)).toThrow(/./)
    }
  })
})
