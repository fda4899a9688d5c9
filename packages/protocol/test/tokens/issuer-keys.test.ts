import { beforeAll, describe, expect, it } from 'vitest'
import { fromUtf8, toBase64Url } from '../../src/bytes/index.ts'
import { crypto } from '../../src/crypto-backend/index.ts'
import { signDsse } from '../../src/dsse/index.ts'
import { canonicalJson } from '../../src/jcs/index.ts'
import {
  ISSUER_KEYS_TYPE,
  type IssuerKeys,
  NO_PREVIOUS_ISSUER_KEYS,
  type PublishedTokenKey,
  requireSuccessor,
  signIssuerKeys,
  verifyIssuerKeys,
} from '../../src/tokens/index.ts'
import { newSigningKey } from './keys.ts'

const { seed: secretSeed, publicKey } = crypto.ed25519.generate()
const signer = { secretSeed, publicKey }
const NOW = 1_800_000_000
let published: PublishedTokenKey[]

beforeAll(async () => {
  published = []
  for (let i = 0; i < 3; i++) {
    const { key } = await newSigningKey()
    published.push({ key: toBase64Url(key.spki), notBefore: NOW + i, notAfter: NOW + 1000 + i })
  }
})

function statement(change: Partial<IssuerKeys> = {}): IssuerKeys {
  return {
    version: 1,
    issuer: 'issuer.example',
    sequence: 1,
    previous: NO_PREVIOUS_ISSUER_KEYS,
    issuedAt: NOW,
    classes: [{ name: 'standard', keys: published.slice(0, 2) }],
    ...change,
  }
}
/** Signs what {@link signIssuerKeys} would refuse to. */
const signAnything = (value: object, type: string = ISSUER_KEYS_TYPE): string =>
  fromUtf8(signDsse(type, canonicalJson(value), [signer]))

describe('a statement of keys', () => {
  it('is what was signed, with every key under its class', () => {
    const verified = verifyIssuerKeys(signIssuerKeys(statement(), signer), publicKey)
    expect(verified.statement).toEqual(statement())
    expect(verified.keys.map(({ className }) => className)).toEqual(['standard', 'standard'])
  })

  it.each<[string, () => object]>([
    ['three keys of one class', () => ({ classes: [{ name: 'standard', keys: published }] })],
    ['one key twice', () => ({ classes: ['a', 'b'].map((name) => ({ name, keys: published.slice(0, 1) })) })],
    ['one class twice', () => ({ classes: [0, 1].map((i) => ({ name: 'a', keys: [published[i]] })) })],
    ['no key', () => ({ classes: [{ name: 'a', keys: [] }] })],
    ['a class with another spelling', () => ({ classes: [{ name: 'A b', keys: published.slice(0, 1) }] })],
    [
      'a key that never lives',
      () => ({ classes: [{ name: 'a', keys: [{ ...published[0], notAfter: NOW }] }] }),
    ],
    [
      'a key that lives for ever',
      () => ({ classes: [{ name: 'a', keys: [{ ...published[0], notAfter: 2 * NOW }] }] }),
    ],
    ['a first statement with a past', () => ({ previous: 'ab'.repeat(32) })],
    ['a second one without', () => ({ sequence: 2 })],
    ['a member nobody knows', () => ({ note: 'x' })],
    ['another version', () => ({ version: 2 })],
  ])('with %s is refused', (_, change) => {
    const envelope = signAnything({ ...statement(), ...change() })
    expect(() => verifyIssuerKeys(envelope, publicKey)).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }),
    )
  })

  it('of another signer or type is refused', () => {
    const other = crypto.ed25519.generate().publicKey
    expect(() => verifyIssuerKeys(signIssuerKeys(statement(), signer), other)).toThrow(
      expect.objectContaining({ code: 'DSSE_SIGNATURE' }),
    )
    const posing = signAnything(statement(), 'application/vnd.sotto.key-set+json')
    expect(() => verifyIssuerKeys(posing, publicKey)).toThrow(expect.objectContaining({ code: 'DSSE_TYPE' }))
  })

  it('follows the one before: never older, never another of the same number, never with another past', () => {
    const first = verifyIssuerKeys(signIssuerKeys(statement(), signer), publicKey)
    const next = (change: Partial<IssuerKeys>): ReturnType<typeof verifyIssuerKeys> =>
      verifyIssuerKeys(signIssuerKeys(statement(change), signer), publicKey)
    const seen = { sequence: 2, digest: 'cd'.repeat(32) }
    const refused = expect.objectContaining({ code: 'TOKEN_MALFORMED' })
    expect(() => requireSuccessor(first, undefined)).not.toThrow()
    expect(() => requireSuccessor(first, { sequence: 1, digest: first.digest })).not.toThrow()
    expect(() => requireSuccessor(first, seen)).toThrow(refused)
    expect(() => requireSuccessor(next({ sequence: 2, previous: first.digest }), seen)).toThrow(refused)
    expect(() => requireSuccessor(next({ sequence: 3, previous: first.digest }), seen)).toThrow(refused)
    expect(() => requireSuccessor(next({ sequence: 3, previous: seen.digest }), seen)).not.toThrow()
    expect(() => requireSuccessor(next({ sequence: 5, previous: first.digest }), seen)).not.toThrow()
  })
})
