import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { unwrapSecret, WRAP_SUITE, wrapSecret } from '@sotto/protocol/keyrelease'
import { claim } from '../../../../test/claims.ts'

const recipient = WRAP_SUITE.kem.generate()
const publicKey = toBase64Url(recipient.publicKey)
const info = utf8('what it is for')
const refused = expect.objectContaining({ code: 'WRAP_FAILED', action: 'stop' })

describe('a wrapped secret', () => {
  it(claim('T5', 'is opened by the X-Wing key it is wrapped to'), () => {
    expect(WRAP_SUITE.kem.id).toBe(0x647a)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (secret) => {
        expect(unwrapSecret(recipient, info, wrapSecret(publicKey, info, secret))).toEqual(secret)
      }),
      { numRuns: process.env['SLOW'] ? 100 : 10 },
    )
  })

  it('is opened by no other key and for no other purpose', () => {
    const wrapped = wrapSecret(publicKey, info, utf8('secret'))
    expect(() => unwrapSecret(WRAP_SUITE.kem.generate(), info, wrapped)).toThrow(refused)
    expect(() => unwrapSecret(recipient, utf8('another purpose'), wrapped)).toThrow(refused)
  })

  it('is refused after any flipped byte', () => {
    const wrapped = wrapSecret(publicKey, info, utf8('secret'))
    fc.assert(
      fc.property(fc.constantFrom('enc' as const, 'wrapped' as const), fc.nat(), (part, at) => {
        const bytes = fromBase64Url(wrapped[part])
        bytes[at % bytes.length]! ^= 1
        expect(() => unwrapSecret(recipient, info, { ...wrapped, [part]: toBase64Url(bytes) })).toThrow(
          refused,
        )
      }),
      { numRuns: process.env['SLOW'] ? 500 : 25 },
    )
  })

  it.each([
    ['nothing', ''],
    ['a short key', publicKey.slice(0, -4)],
    ['no base64url', '!'.repeat(publicKey.length)],
    ['unreduced ML-KEM coefficients', toBase64Url(new Uint8Array(1216).fill(0xff))],
  ])('is not made for %s', (_what, key) => {
    expect(() => wrapSecret(key, info, utf8('secret'))).toThrow(
      expect.objectContaining({ code: 'WRAP_FAILED', action: 'fix-input' }),
    )
  })
})
