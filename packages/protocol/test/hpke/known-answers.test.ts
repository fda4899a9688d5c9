import { describe, expect, it } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, HpkeSuite, kemById } from '@sotto/protocol/hpke'

const info = utf8('Ode on a Grecian Urn')
const plaintext = utf8('Beauty is truth, truth beauty')
const suite = new HpkeSuite(HPKE_KEM.DHKEM_X25519, HPKE_KDF.HKDF_SHA256, HPKE_AEAD.AES_128_GCM)

describe('RFC 9180 Appendix A.1', () => {
  it('A.1.1: base mode', () => {
    const recipient = suite.kem.importPrivate(
      fromHex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8'),
    )
    const ikmE = fromHex('7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234')
    const { enc, context } = suite.setupSender(suite.kem.importPublic(recipient.publicKey), {
      info,
      insecureFixedRandomness: { ikmE },
    })
    expect(toHex(enc)).toBe('37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431')
    const first = context.seal(utf8('Count-0'), plaintext)
    expect(toHex(first)).toBe(
      'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
    )
    const second = context.seal(utf8('Count-1'), plaintext)
    expect(toHex(second)).toBe(
      'af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84',
    )
    const opener = suite.prepare(info).receive(recipient, enc)
    expect(opener.open(utf8('Count-0'), first)).toEqual(plaintext)
    expect(opener.open(utf8('Count-1'), second)).toEqual(plaintext)
    expect(toHex(opener.export(utf8('TestContext'), 32))).toBe(
      'e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931',
    )
  })

  it('A.1.4: authenticated mode with a PSK', () => {
    const recipient = suite.kem.importPrivate(
      fromHex('cb29a95649dc5656c2d054c1aa0d3df0493155e9d5da6d7e344ed8b6a64a9423'),
    )
    const sender = suite.kem.importPrivate(
      fromHex('fc1c87d2f3832adb178b431fce2ac77c7ca2fd680f3406c77b5ecdf818b119f4'),
    )
    const binding = {
      info,
      psk: fromHex('0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82'),
      pskId: utf8('Ennyn Durin aran Moria'),
    }
    const { enc, context } = suite.setupSender(suite.kem.importPublic(recipient.publicKey), {
      ...binding,
      sender,
      insecureFixedRandomness: {
        ikmE: fromHex('4303619085a20ebcf18edd22782952b8a7161e1dbae6e46e143a52a96127cf84'),
      },
    })
    expect(toHex(enc)).toBe('820818d3c23993492cc5623ab437a48a0a7ca3e9639c140fe1e33811eb844b7c')
    context.seal(utf8('Count-0'), plaintext)
    expect(toHex(context.seal(utf8('Count-1'), plaintext))).toBe(
      '4d19303b848f424fc3c3beca249b2c6de0a34083b8e909b6aa4c3688505c05ffe0c8f57a0a4c5ab9da127435d9',
    )
    const opener = suite.setupRecipient(recipient, enc, {
      ...binding,
      sender: suite.kem.importPublic(sender.publicKey),
    })
    expect(toHex(opener.export(utf8('TestContext'), 32))).toBe(
      'a30c20370c026bbea4dca51cb63761695132d342bae33a6a11527d3e7679436d',
    )
  })
})

it('X-Wing: first vector of draft-connolly-cfrg-xwing-kem Appendix C, long values by their SHA-256', () => {
  const xWing = kemById(HPKE_KEM.X_WING)
  const key = xWing.importPrivate(fromHex('7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26'))
  const ikmE = fromHex(
    '3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e2' +
      '35b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2',
  )
  const { enc, sharedSecret } = xWing.importPublic(key.publicKey).encap({ ikmE })
  expect(toHex(crypto.sha256(key.publicKey))).toBe(
    '2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb',
  )
  expect(toHex(crypto.sha256(enc))).toBe('17cd532d657e44c897ca6583e548a5424fc70bf54f99515a4d2bcf99e3469f33')
  expect(toHex(sharedSecret)).toBe('d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384')
  expect(key.decap(enc)).toEqual(sharedSecret)
})
