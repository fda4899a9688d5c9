import { describe, expect, it } from 'vitest'
import { concat, toBase64Url, utf8 } from '../../src/bytes/index.ts'
import { crypto } from '../../src/crypto-backend/index.ts'
import {
  encodeBatchRequest,
  encodeBatchResponse,
  encodeChallenge,
  encodeToken,
  encodeTokenKey,
  encodeTokenRequest,
  formatAuthorization,
  formatChallenge,
  MAX_BATCH,
  parseAuthorization,
  parseBatchRequest,
  parseBatchResponse,
  parseChallenge,
  parseChallenges,
  parseDirectory,
  parseToken,
  parseTokenKey,
  parseTokenRequest,
  parseTokenResponse,
  toPaddedBase64Url,
} from '../../src/tokens/index.ts'

const MALFORMED = { code: 'TOKEN_MALFORMED', action: 'fix-input' }
const fill = (length: number, byte = 7): Uint8Array => new Uint8Array(length).fill(byte)
const token = { nonce: fill(32), challengeDigest: fill(32, 8), keyId: fill(32, 9), authenticator: fill(256) }
const request = { truncatedKeyId: 9, blindedMessage: fill(256) }
const challenge = encodeChallenge({
  issuerName: 'issuer.example',
  redemptionContext: fill(32),
  originInfo: 'inference.sotto',
})
const modulus = concat(Uint8Array.of(0x80), fill(254), Uint8Array.of(1))

/** Every way a message of fixed length can be spoilt. */
function spoilt(bytes: Uint8Array): [string, Uint8Array][] {
  return [
    ['nothing', new Uint8Array()],
    ['one byte less', bytes.subarray(0, -1)],
    ['one byte more', concat(bytes, fill(1))],
    ['another token type', concat(Uint8Array.of(0, 1), bytes.subarray(2))],
    ['a token type of one byte', bytes.subarray(1)],
    ['twice', concat(bytes, bytes)],
  ]
}

describe('a token', () => {
  it.each(spoilt(encodeToken(token)))('of %s is refused', (_, bytes) => {
    expect(() => parseToken(bytes)).toThrow(expect.objectContaining(MALFORMED))
  })
})

describe('a request', () => {
  it.each(spoilt(encodeTokenRequest(request)))('of %s is refused', (_, bytes) => {
    expect(() => parseTokenRequest(bytes)).toThrow(expect.objectContaining(MALFORMED))
  })
  it('has an answer of exactly the length of the modulus', () => {
    for (const length of [0, 255, 257, 512])
      expect(() => parseTokenResponse(fill(length))).toThrow(expect.objectContaining(MALFORMED))
  })
})

describe('a batch', () => {
  const batch = encodeBatchRequest([request, request])
  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['no items', Uint8Array.of(0)],
    ['a length that is not its own', concat(Uint8Array.of(0x42, 0x05), batch.subarray(2))],
    ['a length that is not the shortest', concat(Uint8Array.of(0x80, 0, 2, 6), batch.subarray(2))],
    ['half an item', concat(Uint8Array.of(0x41, 0x82), batch.subarray(2, 2 + 386))],
    ['a cut item', batch.subarray(0, -1)],
    ['a byte more', concat(batch, fill(1))],
    ['items of two types', concat(batch.subarray(0, 2), Uint8Array.of(0, 1), batch.subarray(4))],
    [
      'too many items',
      concat(
        Uint8Array.of(0x80, 0, 0x41, 0xc3),
        ...Array.from({ length: 65 }, () => encodeTokenRequest(request)),
      ),
    ],
  ])('of %s is refused', (_, bytes) => {
    expect(() => parseBatchRequest(bytes)).toThrow(expect.objectContaining(MALFORMED))
  })
  it('is bounded where it is made', () => {
    expect(() => encodeBatchRequest([])).toThrow(RangeError)
    expect(() => encodeBatchRequest(Array.from({ length: MAX_BATCH + 1 }, () => request))).toThrow(RangeError)
  })
  it('has an answer for each request, none left out', () => {
    const answer = encodeBatchResponse([fill(256), fill(256)])
    const missing = answer.slice()
    missing[2] = 0
    const otherType = answer.slice()
    otherType[4] = 1
    for (const bytes of [missing, otherType, answer.subarray(0, -1), concat(answer, fill(1))])
      expect(() => parseBatchResponse(bytes, 2)).toThrow(expect.objectContaining(MALFORMED))
    expect(() => parseBatchResponse(answer, 3)).toThrow(expect.objectContaining(MALFORMED))
  })
})

describe('a challenge', () => {
  const of = (context: Uint8Array, name = 'issuer.example'): Uint8Array =>
    concat(
      Uint8Array.of(0, 2, name.length >> 8, name.length & 255),
      utf8(name),
      Uint8Array.of(context.length),
      context,
      Uint8Array.of(0, 0),
    )
  it.each<[string, Uint8Array]>([
    ['another type', concat(Uint8Array.of(0xda, 0x7a), challenge.subarray(2))],
    ['a context of 31 bytes', of(fill(31))],
    ['a context of one byte', of(fill(1))],
    ['no issuer', of(fill(32), '')],
    ['an issuer of 256 characters', of(fill(32), 'a'.repeat(256))],
    ['an issuer with a line feed', of(fill(32), 'issuer\n.example')],
    ['a byte more', concat(challenge, fill(1))],
    ['a byte less', challenge.subarray(0, -1)],
    ['nothing', new Uint8Array()],
  ])('of %s is refused', (_, bytes) => {
    expect(() => parseChallenge(bytes)).toThrow(expect.objectContaining(MALFORMED))
  })
})

describe('a token key', () => {
  const spki = encodeTokenKey(modulus)
  const set = (at: number, byte: number): Uint8Array => spki.map((old, index) => (index === at ? byte : old))
  it.each<[string, Uint8Array]>([
    ['plain RSA instead of RSASSA-PSS', set(16, 0x01)],
    ['another hash', set(33, 0x01)],
    ['a salt of 32', set(66, 32)],
    ['an even modulus', set(spki.length - 6, 2)],
    ['a modulus of 2047 bits', set(81, 0x7f)],
    ['another exponent', set(spki.length - 1, 3)],
    ['a byte more', concat(spki, fill(1))],
    ['a byte less', spki.subarray(0, -1)],
    ['nothing', new Uint8Array()],
  ])('with %s is refused', (_, bytes) => {
    expect(() => parseTokenKey(bytes)).toThrow(expect.objectContaining({ code: 'TOKEN_KEY', action: 'stop' }))
  })
})

describe('header fields', () => {
  const good = formatAuthorization(token)
  it.each([
    ['', 'nothing'],
    ['Bearer sk-sotto-0000', 'a bearer key'],
    ['PrivateToken', 'no token'],
    [good.replaceAll('"', "'"), 'other quotes'],
    [`${good}, ${good}`, 'two tokens'],
    [`${good} `, 'white space behind it'],
    [good.replace(/.{4}"$/, '"'), 'a cut token'],
    [good.replace('token=', 'token = '), 'blanks'],
    [`PrivateToken token="${'A'.repeat(10_000)}"`, 'a token without end'],
    ['PrivateToken token=""', 'an empty token'],
  ])('%s: an authorization with %s is refused', (value) => {
    expect(() => parseAuthorization(value)).toThrow(expect.objectContaining(MALFORMED))
  })
  it('an unquoted token is one, and the scheme has no case', () => {
    expect(parseAuthorization(good.replaceAll('"', '').replace('PrivateToken', 'privatetoken'))).toEqual(
      token,
    )
  })
  it.each([
    ['PrivateToken challenge="', 'a quote that does not end'],
    ['challenge="AAI="', 'a parameter without scheme'],
    ['PrivateToken challenge="AAI=", challenge="AAI="', 'a parameter twice'],
    [`PrivateToken challenge="${toPaddedBase64Url(challenge.subarray(0, -1))}"`, 'a cut challenge'],
    [`PrivateToken challenge="AAI*"`, 'no base64url'],
    [`PrivateToken ${'a=b,'.repeat(5000)}`, 'more than anybody sends'],
    [Array.from({ length: 17 }, () => 'Basic realm="x"').join(', '), 'too many challenges'],
  ])('%s: challenges with %s are refused', (value) => {
    expect(() => parseChallenges(value)).toThrow(expect.objectContaining(MALFORMED))
  })
  it('other schemes, types and parameters are skipped', () => {
    const ours = formatChallenge({ challenge, tokenKey: undefined })
    const other = `PrivateToken challenge="${toPaddedBase64Url(concat(Uint8Array.of(0, 1), challenge.subarray(2)))}"`
    const value = `Negotiate, Basic realm="a, b", NTLM dGVzdA==, ${other}, ${ours}, later="\\"x"`
    expect(parseChallenges(value)).toEqual([{ challenge, tokenKey: undefined }])
  })
})

it.each([
  ['nothing', ''],
  ['no JSON', '{'],
  ['a list', '[]'],
  ['no statement', '{"token-keys":[]}'],
  ['a name twice', '{"sotto-issuer-keys":1,"sotto-issuer-keys":2}'],
  [
    'another member in the statement',
    '{"sotto-issuer-keys":{"checkpoint":"x","envelope":"e","index":0,"proof":[],"x":1}}',
  ],
  ['a negative index', '{"sotto-issuer-keys":{"checkpoint":"x","envelope":"e","index":-1,"proof":[]}}'],
  [
    'a proof that is none',
    '{"sotto-issuer-keys":{"checkpoint":"x","envelope":"e","index":0,"proof":["00"]}}',
  ],
])('a directory of %s is refused', (_, text) => {
  expect(() => parseDirectory(utf8(text))).toThrow(expect.objectContaining(MALFORMED))
})

it('no message of an error holds a token', () => {
  const secret = crypto.randomBytes(356)
  try {
    parseAuthorization(`PrivateToken token="${toPaddedBase64Url(secret)}"`)
    expect.unreachable()
  } catch (error) {
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(
      toBase64Url(secret).slice(0, 16),
    )
  }
})
