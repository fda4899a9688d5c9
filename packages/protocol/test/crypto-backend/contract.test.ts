import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { backends, badKey, hashes } from './backends.ts'

const runs = process.env['SLOW'] === '1' ? 500 : 25
const aeads = ['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305'] as const
const empty = new Uint8Array(0)
const openFailed = expect.objectContaining({
  code: 'CRYPTO_OPEN_FAILED',
  message: 'message is not authentic',
}) as Error

describe.each(backends)('%s backend', (_name, crypto, other) => {
  it('hashes parts as their concatenation, short or long', () => {
    for (const length of [0, 1, 64, 8000, 8192, 20_000]) {
      const data = crypto.randomBytes(length)
      const parts = [data.subarray(0, length >> 1), data.subarray(length >> 1)]
      for (const name of [...hashes, 'sha3-256'] as const) {
        const expected = toHex(other.hash(name, data))
        expect(toHex(crypto.hash(name, ...parts))).toBe(expected)
        expect(toHex(crypto.createHash(name).update(parts[0]!).update(parts[1]!).digest())).toBe(expected)
      }
      for (const name of ['shake128', 'shake256', 'turboshake128', 'turboshake256'] as const) {
        expect(toHex(crypto.xof(name, 77, ...parts))).toBe(toHex(other.xof(name, 77, data)))
      }
    }
  })

  it('knows HKDF test case 1 (RFC 5869 Appendix A.1) and agrees on every length of key', () => {
    const okm = crypto.hkdf(
      'sha256',
      fromHex('000102030405060708090a0b0c'),
      new Uint8Array(22).fill(11),
      fromHex('f0f1f2f3f4f5f6f7f8f9'),
      42,
    )
    expect(toHex(okm)).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    )
    for (const length of [0, 1, 32, 64, 65, 127, 128, 129, 9000]) {
      const key = crypto.randomBytes(length)
      for (const hash of hashes) {
        expect(toHex(crypto.hmac(hash, key, key, utf8('x')))).toBe(
          toHex(other.hmac(hash, key, concat(key, utf8('x')))),
        )
      }
    }
    expect(() => crypto.hkdfExpand('sha256', empty, empty, 255 * 32 + 1)).toThrow(
      expect.objectContaining({ code: 'CRYPTO_BAD_INPUT' }),
    )
  })

  it('opens aside what it opens at once, many beside each other, and refuses the same', async () => {
    for (const name of aeads) {
      const key = crypto.aead(name, crypto.randomBytes(name === 'aes-128-gcm' ? 16 : 32))
      const [nonce, aad] = [crypto.randomBytes(12), crypto.randomBytes(7)]
      const plaintexts = [0, 1, 65_537, 300_000].map((length) => new Uint8Array(length).fill(length & 255))
      const opened = plaintexts.map((plaintext) => {
        const sealed = key.seal(nonce, aad, plaintext)
        const opening = key.openAside(nonce, aad, sealed)
        // It has a copy by now.
        sealed.fill(0)
        return opening
      })
      for (const [at, plaintext] of (await Promise.all(opened)).entries())
        expect(Buffer.compare(plaintext, plaintexts[at]!)).toBe(0)
      const sealed = key.seal(nonce, aad, plaintexts[2]!)
      const altered = sealed.slice()
      altered[40]! ^= 1
      await expect(key.openAside(nonce, aad, altered)).rejects.toThrow(openFailed)
      await expect(key.openAside(nonce, crypto.randomBytes(7), sealed)).rejects.toThrow(openFailed)
      await expect(key.openAside(crypto.randomBytes(12), aad, sealed)).rejects.toThrow(openFailed)
      await expect(key.openAside(nonce, aad, sealed.subarray(0, -1))).rejects.toThrow(openFailed)
      await expect(key.openAside(nonce, aad, empty)).rejects.toThrow(openFailed)
      await expect(key.openAside(new Uint8Array(11), aad, sealed)).rejects.toMatchObject({
        code: 'CRYPTO_BAD_INPUT',
      })
    }
  })

  it('opens what the other backend sealed, whole or in parts, across the slice length', () => {
    for (const name of aeads) {
      const key = crypto.randomBytes(name === 'aes-128-gcm' ? 16 : 32)
      const [nonce, aad] = [crypto.randomBytes(12), crypto.randomBytes(7)]
      for (const length of [0, 1, 16, 1000, 65_536, 65_537, 300_000]) {
        const plaintext = new Uint8Array(length).fill(length & 255)
        const sealed = other.aead(name, key).seal(nonce, aad, plaintext)
        const mine = crypto.aead(name, key)
        const sealer = mine.sealer(nonce, aad)
        const half = plaintext.subarray(0, length >> 1)
        const streamed = [
          ...sealer.update(half),
          ...sealer.update(plaintext.subarray(length >> 1)),
          ...sealer.final(),
        ]
        expect(Buffer.compare(mine.seal(nonce, aad, plaintext), sealed)).toBe(0)
        expect(Buffer.compare(concat(...mine.sealParts(nonce, aad, plaintext)), sealed)).toBe(0)
        expect(Buffer.compare(concat(...streamed), sealed)).toBe(0)
        expect(Buffer.compare(mine.open(nonce, aad, sealed), plaintext)).toBe(0)
        const opener = mine.opener(nonce, aad)
        opener.update(sealed.subarray(0, length))
        expect(Buffer.compare(concat(...opener.final(sealed.subarray(length))), plaintext)).toBe(0)
      }
    }
  })

  it('refuses any flipped byte of ciphertext, nonce, data or key with one uniform error', () => {
    for (const name of aeads) {
      const keyLength = name === 'aes-128-gcm' ? 16 : 32
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 64 }),
          fc.nat(),
          fc.integer({ min: 1, max: 255 }),
          (plaintext, at, flip) => {
            const input = {
              key: crypto.randomBytes(keyLength),
              nonce: crypto.randomBytes(12),
              aad: crypto.randomBytes(5),
            }
            const sealed = crypto.aead(name, input.key).seal(input.nonce, input.aad, plaintext)
            for (const target of [sealed, input.key, input.nonce, input.aad]) {
              target[at % target.length]! ^= flip
              expect(() => crypto.aead(name, input.key).open(input.nonce, input.aad, sealed)).toThrow(
                openFailed,
              )
              const opener = crypto.aead(name, input.key).opener(input.nonce, input.aad)
              opener.update(sealed.subarray(0, -16))
              expect(() => opener.final(sealed.subarray(-16))).toThrow(openFailed)
              target[at % target.length]! ^= flip
            }
          },
        ),
        { numRuns: runs },
      )
      const key = crypto.aead(name, new Uint8Array(keyLength))
      expect(() => key.open(new Uint8Array(12), empty, new Uint8Array(15))).toThrow(openFailed)
      expect(() => key.opener(new Uint8Array(12), empty).final(new Uint8Array(4))).toThrow(openFailed)
      expect(() => key.seal(new Uint8Array(8), empty, empty)).toThrow(
        expect.objectContaining({ code: 'CRYPTO_BAD_INPUT' }),
      )
      expect(() => crypto.aead(name, new Uint8Array(keyLength - 1))).toThrow(badKey)
    }
  })

  it('gives fresh random bytes of any length and refuses absurd ones', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 600; i++) seen.add(toHex(crypto.randomBytes(16)))
    expect(seen.size).toBe(600)
    for (const length of [0, 1, 1025, 70_000]) expect(crypto.randomBytes(length)).toHaveLength(length)
    expect(
      crypto
        .randomBytes(70_000)
        .subarray(65_536)
        .some((byte) => byte !== 0),
    ).toBe(true)
    expect(() => crypto.randomBytes(2 ** 20 + 1)).toThrow(
      expect.objectContaining({ code: 'CRYPTO_BAD_INPUT' }),
    )
  })

  it('compares bytes', () => {
    expect(crypto.equal(fromHex('00ff'), fromHex('00ff'))).toBe(true)
    expect(crypto.equal(fromHex('00ff'), fromHex('00fe'))).toBe(false)
    expect(crypto.equal(fromHex('00ff'), fromHex('00'))).toBe(false)
  })
})
