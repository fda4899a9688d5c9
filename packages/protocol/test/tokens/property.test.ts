import fc from 'fast-check'
import { expect, it } from 'vitest'
import { concat } from '../../src/bytes/index.ts'
import {
  encodeBatchRequest,
  encodeBatchResponse,
  encodeChallenge,
  encodeToken,
  formatAuthorization,
  formatChallenge,
  importTokenKey,
  parseAuthorization,
  parseBatchRequest,
  parseBatchResponse,
  parseChallenge,
  parseChallenges,
  parseToken,
  parseTokenKey,
  prepareToken,
  verifyToken,
} from '../../src/tokens/index.ts'
import { newSigningKey } from './keys.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const token = fc.record({
  nonce: bytes(32),
  challengeDigest: bytes(32),
  keyId: bytes(32),
  authenticator: bytes(256),
})
const name = fc.string({ unit: fc.constantFrom(...'abz09.-:, '), maxLength: 64 })
const challenge = fc.record({
  issuerName: name.filter((text) => text !== ''),
  redemptionContext: fc.oneof(bytes(0), bytes(32)),
  originInfo: name,
})
const request = fc.record({ truncatedKeyId: fc.nat(255), blindedMessage: bytes(256) })

it('what is encoded is read again', () => {
  fc.assert(
    fc.property(token, challenge, fc.array(request, { minLength: 1, maxLength: 64 }), (one, asked, batch) => {
      expect(parseToken(encodeToken(one))).toEqual(one)
      expect(parseAuthorization(formatAuthorization(one))).toEqual(one)
      const encoded = encodeChallenge(asked)
      expect(parseChallenge(encoded)).toEqual(asked)
      expect(
        parseChallenges(formatChallenge({ challenge: encoded, tokenKey: undefined }))[0]!.challenge,
      ).toEqual(encoded)
      expect(parseBatchRequest(encodeBatchRequest(batch))).toEqual(batch)
      const answers = batch.map(({ blindedMessage }) => blindedMessage)
      expect(parseBatchResponse(encodeBatchResponse(answers), batch.length)).toEqual(answers)
    }),
    { numRuns: 100 },
  )
})

it('arbitrary bytes and texts are read or refused with our own codes, never otherwise', () => {
  const parsers = [parseToken, parseChallenge, parseTokenKey, parseBatchRequest]
  const isOurs = (run: () => unknown): void => {
    try {
      run()
    } catch (error) {
      expect(error).toMatchObject({ name: 'SottoError', code: expect.stringMatching(/^TOKEN_/) })
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.string({ maxLength: 300 }), (input, text) => {
      for (const parse of parsers) {
        isOurs(() => parse(input))
        isOurs(() => parse(concat(Uint8Array.of(0, 2), input)))
      }
      for (const parse of [parseAuthorization, parseChallenges]) {
        isOurs(() => parse(text))
        isOurs(() => parse(`PrivateToken ${text}`))
        isOurs(() => parse(`PrivateToken challenge="${text}"`))
      }
    }),
    { numRuns: 300 },
  )
})

it('a bought token verifies, and one flipped bit anywhere in it does not', async () => {
  const { key, sign } = await newSigningKey()
  const verifying = importTokenKey(key)
  const asked = encodeChallenge({ issuerName: 'i', redemptionContext: new Uint8Array(), originInfo: '' })
  const pending = prepareToken(key, asked)
  const encoded = encodeToken(pending.finish(sign(pending.blindedMessage)))
  expect(verifyToken(parseToken(encoded), verifying)).toBe(true)
  fc.assert(
    fc.property(fc.integer({ min: 16, max: encoded.length * 8 - 1 }), (bit) => {
      const changed = encoded.slice()
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(verifyToken(parseToken(changed), verifying)).toBe(false)
    }),
    { numRuns: 200 },
  )
})

it('what an issuer answers is unblinded only when it is a signature of what was asked', async () => {
  const [own, other] = [await newSigningKey(), await newSigningKey()]
  const asked = encodeChallenge({ issuerName: 'i', redemptionContext: new Uint8Array(), originInfo: '' })
  const [a, b] = [prepareToken(own.key, asked), prepareToken(own.key, asked)]
  const refused = expect.objectContaining({ code: 'TOKEN_UNSIGNED', action: 'stop' })
  const signed = own.sign(a.blindedMessage)
  expect(() => b.finish(signed)).toThrow(refused)
  expect(() => a.finish(new Uint8Array(256))).toThrow(refused)
  expect(() => a.finish(new Uint8Array(256).fill(0xff))).toThrow(refused)
  expect(() => a.finish(signed.subarray(1))).toThrow(refused)
  const below = a.blindedMessage.map((byte, index) => (index === 0 ? byte & 0x7f : byte))
  expect(() => a.finish(other.sign(below))).toThrow(refused)
  expect(a.finish(signed).authenticator).toHaveLength(256)
})

it('the issuer signs no number that is not below the modulus', async () => {
  const { key, sign } = await newSigningKey()
  for (const message of [
    key.modulus,
    new Uint8Array(256).fill(0xff),
    new Uint8Array(255),
    new Uint8Array(257),
  ])
    expect(() => sign(message)).toThrow(expect.objectContaining({ code: 'ISSUER_REQUEST' }))
})
