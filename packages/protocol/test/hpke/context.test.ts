import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { aeadById, HPKE_AEAD, HPKE_KDF, HPKE_KEM, HpkeSuite, kdfById, kemById } from '@sotto/protocol/hpke'
import { NonceSequence } from '../../src/hpke/nonce.ts'

const runs = process.env['SLOW'] === '1' ? 500 : 25
const code = (name: string): unknown => expect.objectContaining({ code: name })
const info = utf8('info')
const empty = new Uint8Array(0)
const psk = new Uint8Array(32).fill(7)
const pskId = utf8('id')
const kems = Object.entries(HPKE_KEM)
const suite = new HpkeSuite(HPKE_KEM.X_WING, HPKE_KDF.HKDF_SHA256, HPKE_AEAD.AES_128_GCM)
const dhSuite = new HpkeSuite(HPKE_KEM.DHKEM_X25519, HPKE_KDF.HKDF_SHA256, HPKE_AEAD.AES_128_GCM)

describe.each(kems)('%s', (_name, id) => {
  const kem = kemById(id)
  const key = kem.generate()

  it('opens what was sealed to it, with every KDF and AEAD', () => {
    for (const kdf of Object.values(HPKE_KDF)) {
      for (const aead of Object.values(HPKE_AEAD)) {
        const suite = new HpkeSuite(id, kdf, aead)
        const { enc, context } = suite.setupSender(kem.importPublic(key.publicKey), { info, psk, pskId })
        const opener = suite.setupRecipient(key, enc, { info, psk, pskId })
        expect(opener.export(utf8('x'), 40)).toEqual(context.export(utf8('x'), 40))
        if (aead === HPKE_AEAD.EXPORT_ONLY) continue
        expect(opener.open(info, context.seal(info, pskId))).toEqual(pskId)
      }
    }
  })

  it('has keys and encapsulations of the registered sizes, and survives export', () => {
    const again = kem.importPrivate(key.export())
    expect(toHex(again.publicKey)).toBe(toHex(key.publicKey))
    expect(key.export()).toHaveLength(kem.privateKeyLength)
    expect(key.publicKey).toHaveLength(kem.publicKeyLength)
    const { enc, sharedSecret } = kem.importPublic(key.publicKey).encap()
    expect(enc).toHaveLength(kem.encLength)
    expect(sharedSecret).toHaveLength(kem.secretLength)
    expect(again.decap(enc)).toEqual(sharedSecret)
  })

  it('refuses keys and encapsulations of another size', () => {
    const { enc } = kem.importPublic(key.publicKey).encap()
    for (const wrong of [enc.subarray(1), concat(enc, new Uint8Array(1)), empty]) {
      expect(() => key.decap(wrong)).toThrow(code('CRYPTO_BAD_KEY'))
    }
    expect(() => kem.importPublic(key.publicKey.subarray(1))).toThrow(code('CRYPTO_BAD_KEY'))
    expect(() => kem.importPrivate(key.export().subarray(1))).toThrow(code('CRYPTO_BAD_KEY'))
    expect(() => kem.derive(new Uint8Array(kem.privateKeyLength - 1))).toThrow(code('HPKE_BAD_INPUT'))
  })
})

describe('context', () => {
  const key = suite.kem.generate()
  const setup = suite.prepare(info)
  const recipient = suite.kem.importPublic(key.publicKey)

  it('refuses any flipped byte of encapsulation, ciphertext or data, and stays usable', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 50 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (plaintext, at, flip) => {
          const { enc, context } = setup.send(recipient)
          const aad = utf8('aad')
          const sealed = context.seal(aad, plaintext)
          const opener = setup.receive(key, enc)
          for (const target of [sealed, aad]) {
            target[at % target.length]! ^= flip
            expect(() => opener.open(aad, sealed)).toThrow(code('CRYPTO_OPEN_FAILED'))
            target[at % target.length]! ^= flip
          }
          expect(opener.open(aad, sealed)).toEqual(plaintext)
          enc[at % enc.length]! ^= flip
          // ML-KEM rejects implicitly; the unused top bit of X25519 is part of the combiner's input.
          expect(() => setup.receive(key, enc).open(aad, sealed)).toThrow(/not authentic|is not valid/)
        },
      ),
      { numRuns: runs },
    )
  })

  it('refuses reordered, repeated and skipped messages', () => {
    const { enc, context } = setup.send(recipient)
    const [first, second, third] = [1, 2, 3].map((n) => context.seal(empty, new Uint8Array([n])))
    const opener = setup.receive(key, enc)
    expect(() => opener.open(empty, second!)).toThrow(code('CRYPTO_OPEN_FAILED'))
    opener.open(empty, first!)
    expect(() => opener.open(empty, first!)).toThrow(code('CRYPTO_OPEN_FAILED'))
    expect(() => opener.open(empty, third!)).toThrow(code('CRYPTO_OPEN_FAILED'))
    expect(opener.open(empty, second!)).toEqual(new Uint8Array([2]))
  })

  it('seals and opens long messages in parts, in the same sequence', () => {
    const { enc, context } = setup.send(recipient)
    const opener = setup.receive(key, enc)
    const body = new Uint8Array(300_000).fill(5)
    const sealer = context.sealer(info)
    const sealed = concat(...sealer.update(body), ...sealer.final())
    const reader = opener.opener(info)
    reader.update(sealed.subarray(0, 1000))
    reader.update(sealed.subarray(1000, -16))
    expect(Buffer.compare(concat(...reader.final(sealed.subarray(-16))), body)).toBe(0)
    expect(opener.open(empty, concat(...context.sealParts(empty, pskId)))).toEqual(pskId)
  })

  it('binds info, PSK, PSK identifier, mode, suite and sender', () => {
    const key = dhSuite.kem.generate()
    const sender = dhSuite.kem.generate()
    const { enc, context } = dhSuite.setupSender(dhSuite.kem.importPublic(key.publicKey), {
      info,
      psk,
      pskId,
      sender,
    })
    const sealed = context.seal(empty, empty)
    const right = { info, psk, pskId, sender: dhSuite.kem.importPublic(sender.publicKey) }
    const { sender: _, ...anonymous } = right
    const wrong = [
      { ...right, info: utf8('other') },
      { ...right, psk: new Uint8Array(32).fill(8) },
      { ...right, pskId: utf8('other') },
      { ...right, sender: dhSuite.kem.importPublic(key.publicKey) },
      { info, sender: right.sender },
      anonymous,
      { info },
    ]
    for (const options of wrong) {
      expect(() => dhSuite.setupRecipient(key, enc, options).open(empty, sealed)).toThrow(
        code('CRYPTO_OPEN_FAILED'),
      )
    }
    const otherSuite = new HpkeSuite(HPKE_KEM.DHKEM_X25519, HPKE_KDF.HKDF_SHA256, HPKE_AEAD.CHACHA20_POLY1305)
    expect(() => otherSuite.setupRecipient(key, enc, right).open(empty, sealed)).toThrow(
      code('CRYPTO_OPEN_FAILED'),
    )
    expect(dhSuite.setupRecipient(key, enc, right).open(empty, sealed)).toEqual(empty)
  })

  it('refuses a half or a short PSK, a foreign key, and sender authentication without DHKEM', () => {
    const bad = code('HPKE_BAD_INPUT')
    expect(() => suite.setupSender(recipient, { psk })).toThrow(bad)
    expect(() => suite.setupSender(recipient, { pskId })).toThrow(bad)
    expect(() => suite.setupSender(recipient, { psk: psk.subarray(1), pskId })).toThrow(bad)
    expect(() => suite.setupSender(recipient, { info: new Uint8Array(0x10001) })).toThrow(bad)
    const foreign = dhSuite.kem.generate()
    expect(() => setup.receive(foreign, new Uint8Array(32))).toThrow(bad)
    expect(() => dhSuite.setupSender(recipient)).toThrow(bad)
    expect(() => suite.setupSender(recipient, { sender: key })).toThrow(code('HPKE_UNSUPPORTED'))
    expect(() => suite.setupRecipient(key, empty, { sender: recipient })).toThrow(code('HPKE_UNSUPPORTED'))
  })

  it('never gives a nonce twice and stops before the numbers run out', () => {
    const base = crypto.randomBytes(12)
    const nonces = new NonceSequence(base)
    const seen = new Set(Array.from({ length: 600 }, () => toHex(nonces.next())))
    expect(seen.size).toBe(600)
    const late = new NonceSequence(base, Number.MAX_SAFE_INTEGER - 1)
    late.next()
    expect(() => late.next()).toThrow(code('HPKE_SEQUENCE_OVERFLOW'))
    expect(() => late.current()).toThrow(code('HPKE_SEQUENCE_OVERFLOW'))
  })

  it.each([
    ['MLKEM768_P256', 128],
    ['MLKEM1024_P384', 80],
    ['X_WING', 64],
  ] as const)('takes known-answer randomness of %s in %i bytes and no other length', (name, length) => {
    const kem = kemById(HPKE_KEM[name])
    const recipient = kem.importPublic(kem.generate().publicKey)
    const randomness = (count: number): Uint8Array => new Uint8Array(count).fill(1)
    expect(recipient.encap({ ikmE: randomness(length) }).enc).toHaveLength(kem.encLength)
    for (const other of [0, 32, length - 1, length + 1, 2 * length])
      expect(() => recipient.encap({ ikmE: randomness(other) })).toThrow(code('HPKE_BAD_INPUT'))
  })

  it('refuses exports that are too long', () => {
    const { context } = setup.send(recipient)
    expect(() => context.export(empty, 255 * 32 + 1)).toThrow(code('HPKE_BAD_INPUT'))
    expect(() => context.export(empty, -1)).toThrow(code('HPKE_BAD_INPUT'))
  })
})

it('refuses identifiers that it does not implement', () => {
  for (const lookup of [kemById, kdfById, aeadById])
    expect(() => lookup(0x7777)).toThrow(code('HPKE_UNSUPPORTED'))
})
