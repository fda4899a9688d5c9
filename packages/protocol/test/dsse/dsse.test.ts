import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  pae,
  parseDsse,
  prepareSigner,
  prepareVerifier,
  signDsse,
  verifyDsse,
  verifySoleDsse,
  type DsseSigner,
} from '@sotto/protocol/dsse'

const signer = (): DsseSigner => {
  const { seed, publicKey } = crypto.ed25519.generate()
  return { secretSeed: seed, publicKey }
}
const [alice, bob, eve] = [signer(), signer(), signer()]
const TYPE = 'application/vnd.example+json'
const payload = utf8('{"a":1}')

describe('DSSE', () => {
  it('has the pre-authentication encoding of the DSSE v1 protocol', () => {
    // dsse/protocol.md, "Signature Definition": the worked example.
    expect(fromUtf8(pae('http://example.com/HelloWorld', utf8('hello world')))).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    )
  })

  it('returns the payload signed by an accepted key', () => {
    const envelope = parseDsse(signDsse(TYPE, payload, [alice, eve]))
    const verified = verifyDsse(envelope, TYPE, [bob.publicKey, alice.publicKey])
    expect(verified.payload).toEqual(payload)
    expect(verified.signers).toEqual([alice.publicKey])
  })

  it('may be asked for one signature and no other', () => {
    const sole = (signers: DsseSigner[], type = TYPE): Uint8Array =>
      verifySoleDsse(parseDsse(signDsse(TYPE, payload, signers)), type, [bob.publicKey, alice.publicKey])
    expect(sole([alice])).toEqual(payload)
    for (const signers of [[alice, eve], [eve, alice], [alice, alice], [alice, bob], [eve]])
      expect(() => sole(signers)).toThrow(expect.objectContaining({ code: 'DSSE_SIGNATURE' }))
    expect(() => sole([alice], 'application/vnd.other+json')).toThrow(
      expect.objectContaining({ code: 'DSSE_TYPE' }),
    )
  })

  it('signs the same with a key that was set up before', () => {
    const prepared = prepareSigner(alice)
    expect(signDsse(TYPE, payload, [prepared, bob])).toEqual(signDsse(TYPE, payload, [alice, bob]))
    expect(Object.keys(prepared).sort()).toEqual(['keyId', 'publicKey', 'sign'])
  })

  it('needs no seed once a key is set up', () => {
    const carol = signer()
    const prepared = prepareSigner(carol)
    const before = signDsse(TYPE, payload, [prepared])
    carol.secretSeed.fill(0)
    expect(signDsse(TYPE, payload, [prepared])).toEqual(before)
  })

  it('takes keys that were set up before, and counts them like any other', () => {
    const prepared = prepareVerifier(alice.publicKey)
    const envelope = parseDsse(signDsse(TYPE, payload, [alice]))
    for (let round = 0; round < 2; round++)
      expect(verifyDsse(envelope, TYPE, [prepared]).signers).toEqual([alice.publicKey])
    expect(() => verifyDsse(envelope, TYPE, [prepared, alice.publicKey], 2)).toThrow(
      expect.objectContaining({ code: 'DSSE_SIGNATURE' }),
    )
    const forged = { ...envelope, payload: utf8('{"a":2}') }
    expect(() => verifyDsse(forged, TYPE, [prepared])).toThrow(
      expect.objectContaining({ code: 'DSSE_SIGNATURE' }),
    )
  })

  it('refuses another payload type, so that no document stands in for another', () => {
    const envelope = parseDsse(signDsse(TYPE, payload, [alice]))
    expect(() => verifyDsse(envelope, 'application/vnd.other+json', [alice.publicKey])).toThrow(
      expect.objectContaining({ code: 'DSSE_TYPE' }),
    )
  })

  it('counts distinct keys: one key that signs twice is one signature', () => {
    const twice = parseDsse(signDsse(TYPE, payload, [alice, alice]))
    expect(() => verifyDsse(twice, TYPE, [alice.publicKey, bob.publicKey], 2)).toThrow(
      expect.objectContaining({ code: 'DSSE_SIGNATURE' }),
    )
    const both = parseDsse(signDsse(TYPE, payload, [alice, bob]))
    expect(verifyDsse(both, TYPE, [alice.publicKey, bob.publicKey], 2).signers).toHaveLength(2)
  })

  it('refuses when no accepted key signed', () => {
    const envelope = parseDsse(signDsse(TYPE, payload, [eve]))
    expect(() => verifyDsse(envelope, TYPE, [alice.publicKey])).toThrow(
      expect.objectContaining({ code: 'DSSE_SIGNATURE', action: 'stop' }),
    )
  })

  it('refuses any flipped byte', () => {
    const bytes = signDsse(TYPE, payload, [alice])
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const flipped = bytes.map((byte, i) => (i === at ? byte ^ mask : byte))
        expect(() => verifyDsse(parseDsse(flipped), TYPE, [alice.publicKey])).toThrow()
      }),
      { numRuns: process.env['SLOW'] ? 500 : 25 },
    )
  })

  it.each([
    ['nothing', ''],
    ['another JSON', '[]'],
    ['an unknown member', '{"payload":"","payloadType":"a","signatures":[],"x":1}'],
    ['no signatures', '{"payload":"","payloadType":"a","signatures":[]}'],
    ['white space', ' {"payload":"","payloadType":"a"}'],
    [
      'a short signature',
      `{"payload":"","payloadType":"a","signatures":[{"keyid":"${'0'.repeat(64)}","sig":"AA=="}]}`,
    ],
  ])('refuses %s as malformed', (_what, json) => {
    expect(() => parseDsse(utf8(json))).toThrow(expect.objectContaining({ code: 'DSSE_MALFORMED' }))
  })
})
