import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { sha1 } from '../../src/x509/sha1.ts'

describe('SHA-1', () => {
  it.each([
    ['', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
    ['abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
  ])('of %j is the published one', (text, digest) => {
    expect(toHex(sha1(utf8(text)))).toBe(digest)
  })

  it('agrees with OpenSSL at every length around a block', () => {
    for (let length = 0; length < 200; length++) {
      const message = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff)
      expect(toHex(sha1(message))).toBe(createHash('sha1').update(message).digest('hex'))
    }
  })

  it('is not in the public API', async () => {
    expect(Object.keys(await import('@sotto/protocol/x509'))).not.toContain('sha1')
  })
})
