import * as fc from 'fast-check'
import { constants, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fromUtf8, toBase64, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseClaims, parseJws, verifyJws, type JwsAlgorithm } from '@sotto/protocol/jose'
import { parsePublicKey, type PublicKey } from '@sotto/protocol/x509'

const RUNS = process.env['SLOW'] ? 1000 : 100
const code = (name: string): unknown => expect.objectContaining({ code: name })
const malformed = code('JOSE_MALFORMED')
const ALL: JwsAlgorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']

const part = (value: unknown): string =>
  toBase64Url(utf8(typeof value === 'string' ? value : JSON.stringify(value)))
const pairs = {
  RS: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  '256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  '384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  '512': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
}
type Pair = (typeof pairs)['RS']
const pairOf = (alg: string): Pair => (alg.startsWith('ES') ? pairs[alg.slice(2) as '256'] : pairs.RS)
const publicKeyOf = ({ publicKey }: Pair): PublicKey =>
  parsePublicKey(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })))

function issue(alg: string, header: object = {}, payload: unknown = { sub: 'a' }): string {
  const signed = `${part({ alg, ...header })}.${part(payload)}`
  const signature = sign(`sha${alg.slice(2)}`, utf8(signed), {
    key: pairOf(alg).privateKey,
    dsaEncoding: 'ieee-p1363',
    ...(alg.startsWith('PS') && {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    }),
  })
  return `${signed}.${toBase64Url(signature)}`
}

describe('a compact JWS', () => {
  it.each(ALL)('signed with %s verifies under its key and nothing else', (alg) => {
    const jws = parseJws(issue(alg, { kid: 'k', typ: 'JWT' }))
    expect(jws.header).toEqual({ alg, kid: 'k', typ: 'JWT' })
    const key = publicKeyOf(pairOf(alg))
    expect(fromUtf8(verifyJws(jws, key, { algorithms: [alg] }))).toBe('{"sub":"a"}')
    const others = ALL.filter((other) => other !== alg)
    expect(() => verifyJws(jws, key, { algorithms: others })).toThrow(code('JOSE_ALGORITHM'))
    const fresh = generateKeyPairSync('ec', { namedCurve: alg === 'ES256' ? 'P-384' : 'P-256' })
    expect(() => verifyJws(jws, publicKeyOf(fresh as Pair), { algorithms: ALL })).toThrow(
      code('JOSE_ALGORITHM'),
    )
  })

  it('verifies the example of RFC 7515 Appendix A.3', () => {
    const token =
      'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q'
    const point = Buffer.concat([
      Uint8Array.of(4),
      Buffer.from('f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', 'base64url'),
      Buffer.from('x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0', 'base64url'),
    ])
    const key: PublicKey = { type: 'ec', curve: 'P-256', point: new Uint8Array(point) }
    const payload = verifyJws(parseJws(token), key, { algorithms: ['ES256'] })
    expect(parseClaims(payload)).toMatchObject({ iss: 'joe', exp: 1300819380 })
  })

  it('gives its certificates as bytes', () => {
    const x5c = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]
    expect(parseJws(issue('ES256', { x5c: x5c.map((der) => toBase64(der)) })).header.x5c).toEqual(x5c)
  })

  it('does not pass on keys that it brings along or points to', () => {
    const jwk = pairs['256'].publicKey.export({ format: 'jwk' })
    const { header } = parseJws(issue('ES256', { jwk, jku: 'https://a.example', x5u: 'https://b.example' }))
    expect(header).toEqual({ alg: 'ES256' })
  })

  it('is refused when any character of it is another', () => {
    const token = issue('ES256', {}, 'any payload')
    const key = publicKeyOf(pairs['256'] as Pair)
    const alphabet = 'ABCabc019-_.=+/ \n\u00fc'
    fc.assert(
      fc.property(fc.nat({ max: token.length - 1 }), fc.constantFrom(...alphabet), (at, character) => {
        fc.pre(token[at] !== character)
        const changed = token.slice(0, at) + character + token.slice(at + 1)
        expect(() => verifyJws(parseJws(changed), key, { algorithms: ['ES256'] })).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^JOSE_/) as string }),
        )
      }),
      { numRuns: RUNS },
    )
  })
})

describe('a token that is not signed', () => {
  const key = publicKeyOf(pairs.RS)
  it.each(['none', 'None', 'NONE', 'nOnE', ''])('is refused under the name "%s"', (alg) => {
    const token = `${part({ alg })}.${part({ sub: 'a' })}.`
    expect(() => verifyJws(parseJws(token), key, { algorithms: ALL })).toThrow(
      alg === '' ? malformed : code('JOSE_ALGORITHM'),
    )
  })

  it('is refused when it claims a signature algorithm', () => {
    const token = `${part({ alg: 'RS256' })}.${part({ sub: 'a' })}.`
    expect(() => verifyJws(parseJws(token), key, { algorithms: ['RS256'] })).toThrow(code('JOSE_SIGNATURE'))
  })

  it('is refused when its HMAC key is the public key', () => {
    const signed = `${part({ alg: 'HS256' })}.${part({ sub: 'a' })}`
    const pem = pairs.RS.publicKey.export({ type: 'spki', format: 'pem' })
    const token = `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`
    expect(() => verifyJws(parseJws(token), key, { algorithms: ALL })).toThrow(code('JOSE_ALGORITHM'))
  })
})

describe('a token is malformed with', () => {
  const [header, payload, signature] = issue('ES256').split('.') as [string, string, string]
  const withHeader = (json: unknown): string => `${part(json)}.${payload}.${signature}`

  it.each([
    ['nothing', ''],
    ['two parts', `${header}.${payload}`],
    ['four parts', `${header}.${payload}.${signature}.`],
    ['five parts, as encrypted ones have', `${header}.${payload}.${signature}..`],
    ['a line feed at its end', `${header}.${payload}.${signature}\n`],
    ['a space before it', ` ${header}.${payload}.${signature}`],
    ['padding', `${header}=.${payload}.${signature}`],
    ['the other alphabet', `${header}.${payload}.${signature.slice(0, -1)}+`],
    ['stray low bits', `${header}.${toBase64Url(utf8('{}')).slice(0, -1)}1.${signature}`],
    ['one character that encodes nothing', `${header}.${payload}A.${signature}`.replace(`${payload}A`, 'A')],
    ['a header that is not JSON', withHeader('alg')],
    ['a header that is a list', withHeader('[]')],
    ['a header that is null', withHeader('null')],
    ['a header that is not UTF-8', `${toBase64Url(Uint8Array.of(0x7b, 0xff, 0x7d))}.${payload}.${signature}`],
    ['a byte order mark', withHeader('\ufeff{"alg":"ES256"}')],
    ['no algorithm', withHeader({ typ: 'JWT' })],
    ['an algorithm of another type', withHeader({ alg: 1 })],
    ['a list of algorithms', withHeader({ alg: ['ES256'] })],
    ['an algorithm that only the prototype has', withHeader('{"__proto__":{"alg":"ES256"}}')],
    ['the algorithm twice', withHeader('{"alg":"none","alg":"ES256"}')],
    ['the algorithm twice, once escaped', withHeader('{"alg":"none","\\u0061lg":"ES256"}')],
    ['a kid of another type', withHeader({ alg: 'ES256', kid: 1 })],
    ['certificates in text', withHeader({ alg: 'ES256', x5c: 'AAAA' })],
    ['no certificates', withHeader({ alg: 'ES256', x5c: [] })],
    ['eleven certificates', withHeader({ alg: 'ES256', x5c: Array(11).fill('AAAA') })],
    ['a certificate in base64url', withHeader({ alg: 'ES256', x5c: ['-_-_'] })],
    ['a certificate of another type', withHeader({ alg: 'ES256', x5c: [1] })],
    ['a header nested without end', withHeader(`{"alg":"ES256","x":${'['.repeat(17)}${']'.repeat(17)}}`)],
  ])('%s', (_what, token) => {
    expect(() => parseJws(token)).toThrow(malformed)
  })

  it('more characters than its bound', () => {
    expect(() => parseJws(`${header}.${'A'.repeat(65_536)}.${signature}`)).toThrow(malformed)
    expect(() => parseJws(issue('ES256'), { maxBytes: 100 })).toThrow(malformed)
  })

  it.each(['crit', 'b64'])('is refused with %s, which may change its meaning', (name) => {
    expect(() => parseJws(withHeader({ alg: 'ES256', [name]: name === 'b64' ? false : ['exp'] }))).toThrow(
      code('JOSE_UNSUPPORTED'),
    )
  })
})
