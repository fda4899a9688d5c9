import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { findJwk, parseJwks, publicKeyOfJwk } from '@sotto/protocol/jose'
import { parsePublicKey } from '@sotto/protocol/x509'

const code = (name: string): unknown => expect.objectContaining({ code: name })
const malformed = code('JOSE_MALFORMED')
const set = (...keys: unknown[]): Uint8Array => utf8(JSON.stringify({ keys }))
const pairs = {
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
}
const jwk = (name: keyof typeof pairs): object => pairs[name].publicKey.export({ format: 'jwk' })
const rsa = { ...jwk('RSA'), kid: 'a' }

describe('a JWK Set', () => {
  it.each(Object.keys(pairs) as (keyof typeof pairs)[])('gives a key of %s by its kid', (name) => {
    const keys = parseJwks(set({ ...jwk(name), kid: 'k' }))
    const key = publicKeyOfJwk(findJwk(keys, { alg: 'any', kid: 'k' }))
    const spki = pairs[name].publicKey.export({ type: 'spki', format: 'der' })
    expect(key).toEqual(parsePublicKey(new Uint8Array(spki)))
  })

  it('leaves out keys that verify nothing', () => {
    const keys = parseJwks(
      set(
        rsa,
        { kty: 'OKP', kid: 'b', crv: 'Ed25519', x: 'AAAA' },
        { ...rsa, kid: 'c', use: 'enc' },
        { ...rsa, kid: 'd', key_ops: ['encrypt'] },
        { ...rsa, kid: 'e', use: 'sig', key_ops: ['verify'] },
        { kty: 'oct', kid: 'f', k: 'AAAA' },
      ),
    )
    expect([...keys.keys()]).toEqual(['a', 'e'])
  })

  it('refuses a kid it does not have, a token without one, and another algorithm', () => {
    const keys = parseJwks(set({ ...rsa, alg: 'RS256' }))
    expect(findJwk(keys, { alg: 'RS256', kid: 'a' }).kid).toBe('a')
    expect(() => findJwk(keys, { alg: 'RS256', kid: 'b' })).toThrow(code('JOSE_KEY'))
    expect(() => findJwk(keys, { alg: 'RS256', kid: '__proto__' })).toThrow(code('JOSE_KEY'))
    expect(() => findJwk(keys, { alg: 'RS256' })).toThrow(code('JOSE_KEY'))
    expect(() => findJwk(keys, { alg: 'PS256', kid: 'a' })).toThrow(code('JOSE_KEY'))
    expect(() => findJwk(parseJwks(set()), { alg: 'RS256', kid: 'a' })).toThrow(code('JOSE_KEY'))
  })

  it.each<[string, Uint8Array]>([
    ['nothing', utf8('')],
    ['a list', utf8('[]')],
    ['no keys', utf8('{}')],
    ['keys that are no list', utf8('{"keys":{}}')],
    ['keys twice', utf8('{"keys":[],"keys":[]}')],
    ['something other than a key', set('a')],
    ['a key without kid', set({ ...rsa, kid: undefined })],
    ['a kid of another type', set({ ...rsa, kid: 1 })],
    ['a kid twice', set(rsa, rsa)],
    ['a kid twice, once of a key that is left out', set({ ...rsa, kty: 'oct' }, rsa)],
    ['a use of another type', set({ ...rsa, use: ['sig'] })],
    ['certificates of another type', set({ ...rsa, x5c: 'AAAA' })],
    ['too many keys', set(...Array.from({ length: 65 }, (_, i) => ({ ...rsa, kid: `${i}` })))],
    ['too many bytes', utf8(`{"keys":[],"a":"${'a'.repeat(262_144)}"}`)],
  ])('is malformed with %s', (_what, bytes) => {
    expect(() => parseJwks(bytes)).toThrow(malformed)
  })

  const ec = { ...jwk('P-256'), kid: 'a' }
  it.each<[string, object]>([
    ['no value', { kty: 'RSA', kid: 'a' }],
    ['no exponent', { ...rsa, e: undefined }],
    ['a modulus with a leading zero', { ...rsa, n: `AA${(rsa as { n?: string }).n}` }],
    ['a modulus that is padded', { ...rsa, n: `${(rsa as { n?: string }).n}==` }],
    ['a modulus of another type', { ...rsa, n: 3 }],
    ['an unknown curve', { ...ec, crv: 'secp256k1' }],
    ['no curve', { ...ec, crv: undefined }],
    ['coordinates of another curve', { ...ec, crv: 'P-384' }],
    ['no second coordinate', { ...ec, y: undefined }],
  ])('has a key that is malformed with %s', (_what, key) => {
    const keys = parseJwks(set(key))
    expect(() => publicKeyOfJwk(findJwk(keys, { alg: 'any', kid: 'a' }))).toThrow(malformed)
  })
})
