import { createCipheriv, publicEncrypt, randomBytes, constants, createPublicKey } from 'node:crypto'
import { fromHex, fromUtf8, toHex } from '@sotto/protocol/bytes'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  createReleaseKeyPair,
  type ReleaseKeyPair,
  unwrapKey,
  unwrapPadded,
} from '../../../src/root/azure-managed-hsm/wrapping.ts'
import { wrap } from './fake-hsm.ts'

/** RFC 5649 Section 6: 20 and 7 octets of key data under a 192-bit KEK. */
const RFC_KEK = '5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8'

test.each([
  [
    '138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a',
    'c37b7e6492584340bed12207808941155068f738',
  ],
  ['afbeb0f07dfbf5419200f2ccb50bb24f', '466f7250617369'],
])('unwraps the example of RFC 5649: %s', (wrapped, key) => {
  expect(toHex(unwrapPadded(fromHex(RFC_KEK), fromHex(wrapped)))).toBe(key)
})

/** CAVS 21.4, KWP_AD_256 of NIST's kwtestvectors: 8 and 64 bits; the last is number 169 of Wycheproof. */
test.each([
  [
    '20e4ff6a88ffa9a2818b81702793d8a016722c2fa1ff445f24b9db293cb12069',
    '85011dc927b167f411b0b8e21b11d819',
    'd2',
  ],
  [
    '068b05d005902438bb7a837c18ca4d7abab63c7de558993df68492b3cf3c1c3c',
    'd54525e33b8d29aa1497ffeb13acd10a',
    '24',
  ],
  [
    '96503e950d01ee1664de77ef6c0108aea2cffcffd0cf282e58a3fb982914ff9c',
    'e5fa8bf0919d5a7163f2af43b3b549b8',
    'e731cf7c44ac7722',
  ],
  [
    'e154288c434eeb0879a793cf51f1912d691d430a196f33703b75cc68e8d599f2',
    '137f74b5bd90c57f140a1515140f2b6a',
    'cf14bbdea4ac6c6e',
  ],
  [
    'aa0ab9d68ed4a04e723f81b44c0c88d0bcde7a80cfd476eb4b8836d9aa01ec4c',
    '0e9e2e9aa34bbf973d67bc534ac86fc5b5a5f9da5f026866177894ec6077a5c84501510e1bf4afb3',
    '57faa8766f6d6a0aa1cf643f857c150df5b31303b50af480e21c4b5e8c8a15d5',
  ],
])('unwraps a vector of NIST or Wycheproof under %s', (kek, wrapped, key) => {
  expect(toHex(unwrapPadded(fromHex(kek), fromHex(wrapped)))).toBe(key)
})

/** Those of the same file that it marks as FAIL. */
test.each([
  ['c32cb3e1e41a4b9f4de79989957866f5dd48dba38c22a6ebb80e14c84bdd9534', 'c29b05c2619a58ecc1d239e7a34273cd'],
  ['5fc3ef43eef256993fb00e6ccc90f60319f10a3bc9fe5ca4ec876c165e2a7720', 'f3d922a948969acca293bc3daa027e48'],
  ['398444df32841be9e699c64faa92630c834564b8384876dceb471c4056fc8299', '30032c9a3ed00d29512d8c725fa86a4b'],
  ['532b4699bb0a97dc426a511a7d0fe70dc7ba163106775677a5b2d75a4d5b93a0', 'e1e64a6bf74b137522e6c5f47ca859ae'],
])('refuses what NIST says is none under %s', (kek, wrapped) => {
  expect(() => unwrapPadded(fromHex(kek), fromHex(wrapped))).toThrow()
})

/** Written from RFC 3394 Section 2.2.2 and RFC 5649 Section 4.1 over AES alone, to be a second opinion. */
function wrapByTheBook(kek: Uint8Array, key: Uint8Array): Uint8Array {
  const blocks = Math.ceil(key.length / 8)
  const padded = new Uint8Array(8 * blocks)
  padded.set(key)
  const aes = (block: Uint8Array): Uint8Array => {
    const cipher = createCipheriv(`aes-${kek.length * 8}-ecb`, kek, null).setAutoPadding(false)
    return new Uint8Array(Buffer.concat([cipher.update(block), cipher.final()]))
  }
  let a = new Uint8Array(8)
  a.set([0xa6, 0x59, 0x59, 0xa6])
  new DataView(a.buffer).setUint32(4, key.length)
  if (blocks === 1) return aes(new Uint8Array([...a, ...padded]))
  for (let j = 0; j < 6; j++)
    for (let i = 1; i <= blocks; i++) {
      const b = aes(new Uint8Array([...a, ...padded.subarray(8 * i - 8, 8 * i)]))
      a = b.slice(0, 8)
      const view = new DataView(a.buffer)
      view.setUint32(4, (view.getUint32(4) ^ (blocks * j + i)) >>> 0)
      padded.set(b.subarray(8), 8 * i - 8)
    }
  return new Uint8Array([...a, ...padded])
}

test('the second opinion is that of the RFC', () => {
  const key = fromHex('c37b7e6492584340bed12207808941155068f738')
  expect(toHex(wrapByTheBook(fromHex(RFC_KEK), key))).toBe(
    '138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a',
  )
})

test('unwraps what is wrapped by the book, of every length, and nothing with a bit changed', () => {
  const kek = fc.constantFrom(16, 24, 32).chain((length) => bytes(length, length))
  fc.assert(
    fc.property(kek, bytes(1, 200), fc.nat(), (key, data, at) => {
      const wrapped = wrapByTheBook(key, data)
      expect(unwrapPadded(key, wrapped)).toEqual(data)
      const bit = at % (8 * wrapped.length)
      wrapped[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => unwrapPadded(key, wrapped)).toThrow()
    }),
    { numRuns: 150 },
  )
})

test.each([0, 8, 15, 17])('refuses %i bytes as a wrapped key', (length) => {
  expect(() => unwrapPadded(new Uint8Array(32), new Uint8Array(length))).toThrow()
})

const pair = await createReleaseKeyPair()
const jwk = (JSON.parse(fromUtf8(pair.runtimeData)) as { keys: Record<string, string>[] }).keys[0]! as {
  n: string
  e: string
}

test('the pair is RSA of 3072 bits for encryption, named by RFC 7638, and new each time', async () => {
  const other: ReleaseKeyPair = await createReleaseKeyPair()
  expect(jwk).toMatchObject({ kty: 'RSA', e: 'AQAB', key_ops: ['encrypt'] })
  expect(Buffer.from(jwk.n, 'base64url')).toHaveLength(384)
  expect(fromUtf8(other.runtimeData)).not.toContain(jwk.n)
  expect(fromUtf8(pair.runtimeData)).not.toMatch(/"(?:d|p|q|dp|dq|qi)"/)
})

test('opens what was wrapped to the pair, and nothing that was changed', () => {
  fc.assert(
    fc.property(bytes(16, 64), fc.nat(), (key, at) => {
      const wrapped = wrap(key, jwk)
      expect(unwrapKey(wrapped, pair.privateKey)).toEqual(key)
      wrapped[at % wrapped.length]! ^= 0x10
      expect(() => unwrapKey(wrapped, pair.privateKey)).toThrow(
        expect.objectContaining({ code: 'KMS_HSM_ANSWER', action: 'stop' }),
      )
    }),
    { numRuns: 20 },
  )
})

test('an AES key of 128 bits in between is refused', () => {
  const key = createPublicKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' })
  const kek = randomBytes(16)
  const oaep = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }
  const wrapped = Buffer.concat([publicEncrypt(oaep, kek), wrapByTheBook(kek, new Uint8Array(32))])
  expect(() => unwrapKey(wrapped, pair.privateKey)).toThrow(
    expect.objectContaining({ code: 'KMS_HSM_ANSWER' }),
  )
})

function bytes(minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength }).map((value) => new Uint8Array(value))
}
