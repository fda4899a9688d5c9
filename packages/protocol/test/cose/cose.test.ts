import * as fc from 'fast-check'
import { constants, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fromHex, utf8 } from '@sotto/protocol/bytes'
import { type CborKey, CborTag, type CborValue, encodeCbor } from '@sotto/protocol/cbor'
import { type CoseAlgorithm, parseCoseSign1, verifyCoseSign1 } from '@sotto/protocol/cose'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parsePublicKey, type PublicKey } from '@sotto/protocol/x509'

const RUNS = process.env['SLOW'] ? 500 : 50
const code = (name: string): unknown => expect.objectContaining({ code: name })
const malformed = code('COSE_MALFORMED')

const key = crypto.ecdsa.generate('P-384')
const publicKey: PublicKey = { type: 'ec', curve: 'P-384', point: key.publicKey }
const signer = crypto.ecdsa.importPrivate('P-384', 'sha384', key.privateKey)
const algorithms = ['ES384'] as const

type Header = [CborKey, CborValue][]
interface Parts {
  signed?: Header
  unsigned?: Header
  payload?: CborValue
  externalAad?: Uint8Array
}

/** A message signed as RFC 9052 Section 4.4 says, written out here apart from the code under test. */
function message({
  signed = [[1, -35]],
  unsigned = [],
  payload = utf8('content'),
  externalAad,
}: Parts = {}): CborValue[] {
  const header = encodeCbor(new Map(signed))
  const toSign = encodeCbor(['Signature1', header, externalAad ?? new Uint8Array(0), payload])
  return [header, new Map(unsigned), payload, signer.sign(toSign)]
}
const bytes = (parts?: Parts): Uint8Array => encodeCbor(message(parts))

describe('COSE_Sign1', () => {
  it('verifies with and without its tag', () => {
    const untagged = parseCoseSign1(bytes())
    expect(untagged).toMatchObject({ tagged: false, alg: -35, payload: utf8('content') })
    expect(verifyCoseSign1(untagged, publicKey, { algorithms })).toEqual(utf8('content'))
    const tagged = parseCoseSign1(encodeCbor(new CborTag(18, message())))
    expect(tagged.tagged).toBe(true)
    expect(verifyCoseSign1(tagged, publicKey, { algorithms })).toEqual(utf8('content'))
  })

  it('verifies the published example sign-pass-02 under its key', () => {
    // cose-wg/Examples, sign1-tests/sign-pass-02.json: external data 11aa22bb33cc44dd55006699.
    const example = fromHex(
      'd28443a10126a10442313154546869732069732074686520636f6e74656e742e584010729cd711cb3813d8d8e944a8da7111e7b258c9bdca6135f7ae1adbee9509891267837e1e33bd36c150326ae62755c6bd8e540c3e8f92d7d225e8db72b8820b',
    )
    const x = 'bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff'
    const y = '20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e'
    const example11: PublicKey = { type: 'ec', curve: 'P-256', point: fromHex(`04${x}${y}`) }
    const parsed = parseCoseSign1(example)
    const options = { algorithms: ['ES256'], externalAad: fromHex('11aa22bb33cc44dd55006699') } as const
    expect(verifyCoseSign1(parsed, example11, options)).toEqual(utf8('This is the content.'))
    expect(() => verifyCoseSign1(parsed, example11, { algorithms: ['ES256'] })).toThrow(
      code('COSE_SIGNATURE'),
    )
  })

  it('covers data outside of it', () => {
    const parsed = parseCoseSign1(bytes({ externalAad: utf8('context') }))
    expect(() => verifyCoseSign1(parsed, publicKey, { algorithms })).toThrow(code('COSE_SIGNATURE'))
    expect(() =>
      verifyCoseSign1(parsed, publicKey, { algorithms, externalAad: utf8('context') }),
    ).not.toThrow()
  })

  it('says which of its certificates are signed', () => {
    const [leaf, root] = [Uint8Array.of(1), Uint8Array.of(2)]
    const inside = parseCoseSign1(
      bytes({
        signed: [
          [1, -35],
          [33, [leaf, root]],
        ],
      }),
    )
    expect(inside.protectedChain).toEqual([leaf, root])
    expect(inside.unprotectedChain).toBeUndefined()
    const beside = parseCoseSign1(bytes({ unsigned: [[33, leaf]] }))
    expect(beside.unprotectedChain).toEqual([leaf])
    expect(beside.protectedChain).toBeUndefined()
  })

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const rsaKey = parsePublicKey(new Uint8Array(rsa.publicKey.export({ type: 'spki', format: 'der' })))
  it.each([
    ['PS256', -37, 'sha256', 32],
    ['PS384', -38, 'sha384', 48],
    ['PS512', -39, 'sha512', 64],
  ] as const)('verifies %s', (name, id, hash, saltLength) => {
    const header = encodeCbor(new Map([[1, id]]))
    const toSign = encodeCbor(['Signature1', header, new Uint8Array(0), utf8('x')])
    const signWith = (salt: number): Uint8Array =>
      new Uint8Array(
        sign(hash, toSign, {
          key: rsa.privateKey,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: salt,
        }),
      )
    const parsed = (salt: number): ReturnType<typeof parseCoseSign1> =>
      parseCoseSign1(encodeCbor([header, new Map(), utf8('x'), signWith(salt)]))
    expect(verifyCoseSign1(parsed(saltLength), rsaKey, { algorithms: [name] })).toEqual(utf8('x'))
    expect(() => verifyCoseSign1(parsed(saltLength - 1), rsaKey, { algorithms: [name] })).toThrow(
      code('COSE_SIGNATURE'),
    )
  })

  it.each([
    ['ES256', -7, 'P-256', 'sha256'],
    ['ES512', -36, 'P-521', 'sha512'],
  ] as const)('verifies %s', (name, id, curve, hash) => {
    const pair = crypto.ecdsa.generate(curve)
    const header = encodeCbor(new Map([[1, id]]))
    const toSign = encodeCbor(['Signature1', header, new Uint8Array(0), utf8('x')])
    const signature = crypto.ecdsa.importPrivate(curve, hash, pair.privateKey).sign(toSign)
    const parsed = parseCoseSign1(encodeCbor([header, new Map(), utf8('x'), signature]))
    expect(
      verifyCoseSign1(parsed, { type: 'ec', curve, point: pair.publicKey }, { algorithms: [name] }),
    ).toEqual(utf8('x'))
  })
})

describe('an algorithm is refused', () => {
  const parsed = parseCoseSign1(bytes())
  const refused = (verify: () => unknown): void => expect(verify).toThrow(code('COSE_ALGORITHM'))

  it('unless the caller allows it, whatever the message says', () => {
    refused(() => verifyCoseSign1(parsed, publicKey, { algorithms: [] }))
    refused(() => verifyCoseSign1(parsed, publicKey, { algorithms: ['ES256', 'PS384'] }))
    const [symmetric, unknown] = [5, -999].map((alg) => parseCoseSign1(bytes({ signed: [[1, alg]] })))
    const all: CoseAlgorithm[] = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']
    refused(() => verifyCoseSign1(symmetric!, publicKey, { algorithms: all }))
    refused(() => verifyCoseSign1(unknown!, publicKey, { algorithms: all }))
  })

  it('for a key of another kind or curve', () => {
    const other = crypto.ecdsa.generate('P-256')
    refused(() =>
      verifyCoseSign1(parsed, { type: 'ec', curve: 'P-256', point: other.publicKey }, { algorithms }),
    )
    const { publicKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const rsaKey = parsePublicKey(
      new Uint8Array(
        createPublicKey(rsa.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'der' }),
      ),
    )
    refused(() => verifyCoseSign1(parsed, rsaKey, { algorithms }))
  })
})

describe('a message is refused', () => {
  it.each<[string, CborValue]>([
    ['another tag', new CborTag(98, message())],
    ['a tag twice', new CborTag(18, new CborTag(18, message()))],
    ['three parts', message().slice(0, 3)],
    ['five parts', [...message(), null]],
    ['a map instead', new Map([[1, 2]])],
    ['text instead', 'COSE'],
    ['an empty protected header', [new Uint8Array(0), new Map([[1, -35]]), utf8('x'), new Uint8Array(96)]],
    [
      'a protected header of an empty map',
      [encodeCbor(new Map()), new Map([[1, -35]]), utf8('x'), new Uint8Array(96)],
    ],
    [
      'a protected header that is not in bytes',
      [new Map([[1, -35]]), new Map(), utf8('x'), new Uint8Array(96)],
    ],
    ['a protected header that is no map', [encodeCbor([1, -35]), new Map(), utf8('x'), new Uint8Array(96)]],
    [
      'an unprotected header that is no map',
      [encodeCbor(new Map([[1, -35]])), [], utf8('x'), new Uint8Array(96)],
    ],
    ['a payload of text', message({ payload: 'text' })],
    ['no signature', [...message().slice(0, 3), new Uint8Array(0)]],
    ['a signature of text', [...message().slice(0, 3), 'signature']],
    ['no algorithm', message({ signed: [[3, 0]] })],
    ['the algorithm beside the signed header', message({ signed: [[3, 0]], unsigned: [[1, -35]] })],
    ['a named algorithm', message({ signed: [[1, 'ES384']] })],
    ['the algorithm twice', message({ unsigned: [[1, -7]] })],
    [
      'any parameter in both headers',
      message({
        signed: [
          [1, -35],
          ['iss', 'a'],
        ],
        unsigned: [['iss', 'b']],
      }),
    ],
    ['crit where nobody signs it', message({ unsigned: [[2, [1]]] })],
    [
      'an empty crit',
      message({
        signed: [
          [1, -35],
          [2, []],
        ],
      }),
    ],
    [
      'a crit that is no list',
      message({
        signed: [
          [1, -35],
          [2, 1],
        ],
      }),
    ],
    [
      'a crit about what is not there',
      message({
        signed: [
          [1, -35],
          [2, [99]],
        ],
      }),
    ],
    ['a chain of no certificates', message({ unsigned: [[33, []]] })],
    ['a list of one certificate', message({ unsigned: [[33, [Uint8Array.of(1)]]] })],
    ['a chain of text', message({ unsigned: [[33, ['a', 'b']]] })],
    ['an empty certificate', message({ unsigned: [[33, new Uint8Array(0)]] })],
    ['seventeen certificates', message({ unsigned: [[33, Array<Uint8Array>(17).fill(Uint8Array.of(1))]] })],
  ])('with %s', (_what, parts) => {
    expect(() => parseCoseSign1(encodeCbor(parts))).toThrow(malformed)
  })

  it('with its payload elsewhere', () => {
    expect(() => parseCoseSign1(bytes({ payload: null }))).toThrow(code('COSE_UNSUPPORTED'))
  })

  it('with a critical parameter, unless it is understood', () => {
    const critical = bytes({
      signed: [
        [1, -35],
        [2, [77]],
        [77, true],
      ],
    })
    expect(() => parseCoseSign1(critical)).toThrow(code('COSE_UNSUPPORTED'))
    expect(() => parseCoseSign1(critical, { understood: [78] })).toThrow(code('COSE_UNSUPPORTED'))
    expect(parseCoseSign1(critical, { understood: [77] }).protectedHeader.get(77)).toBe(true)
  })

  it('with a name twice in the protected header', () => {
    const twice = encodeCbor([fromHex('a2013822013822'), new Map(), utf8('x'), new Uint8Array(96)])
    expect(() => parseCoseSign1(twice)).toThrow(code('CBOR_MALFORMED'))
  })

  it('past its bound', () => {
    expect(() => parseCoseSign1(bytes(), { maxBytes: 20 })).toThrow(code('CBOR_MALFORMED'))
  })

  it('when any bit of it is another', () => {
    const genuine = bytes({
      signed: [
        [1, -35],
        ['iss', 'a'],
      ],
      payload: crypto.randomBytes(64),
    })
    fc.assert(
      fc.property(fc.nat({ max: genuine.length * 8 - 1 }), (bit) => {
        const changed = genuine.slice()
        changed[bit >> 3]! ^= 1 << (bit & 7)
        expect(() => verifyCoseSign1(parseCoseSign1(changed), publicKey, { algorithms })).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^(CBOR|COSE)_/) as string }),
        )
      }),
      { numRuns: RUNS },
    )
  })
})
