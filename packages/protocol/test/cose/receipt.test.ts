import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { type CborKey, CborTag, type CborValue, encodeCbor } from '@sotto/protocol/cbor'
import { parseCoseReceipt, parseCoseSign1, verifyCoseReceipt } from '@sotto/protocol/cose'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  leafHash,
  proveConsistency,
  proveInclusion,
  rootFromTiles,
  type TileReader,
} from '@sotto/protocol/merkle'
import type { PublicKey } from '@sotto/protocol/x509'

const RUNS = process.env['SLOW'] ? 2000 : 200
const code = (name: string): unknown => expect.objectContaining({ code: name })
const key = crypto.ecdsa.generate('P-256')
const publicKey: PublicKey = { type: 'ec', curve: 'P-256', point: key.publicKey }
const signer = crypto.ecdsa.importPrivate('P-256', 'sha256', key.privateKey)
const algorithms = ['ES256'] as const

const entries = Array.from({ length: 20 }, (_, i) => utf8(`entry ${i}`))
const readTile: TileReader = async ({ index, width }) =>
  Uint8Array.from(
    entries
      .map(leafHash)
      .slice(index * 256, index * 256 + width)
      .flatMap((hash) => [...hash]),
  )
const rootOf = (size: number): Promise<Uint8Array> => rootFromTiles(size, readTile)

interface Parts {
  signed?: [CborKey, CborValue][]
  proofs?: [CborKey, CborValue][]
  payload?: CborValue
  root?: Uint8Array
  tag?: number
}

/** A receipt as RFC 9942 says, written out here apart from the code under test. */
async function receipt(
  proof: CborValue,
  root: Uint8Array,
  parts: Parts = {},
  label = -1,
): Promise<Uint8Array> {
  const header = encodeCbor(
    new Map<CborKey, CborValue>(
      parts.signed ?? [
        [1, -7],
        [395, 1],
        [15, new Map([[1, 'log.example']])],
      ],
    ),
  )
  const signature = signer.sign(encodeCbor(['Signature1', header, new Uint8Array(0), parts.root ?? root]))
  const proofs = parts.proofs ?? [[label, [encodeCbor(proof)]]]
  const unsigned = new Map<CborKey, CborValue>([[396, new Map(proofs)]])
  return encodeCbor(new CborTag(parts.tag ?? 18, [header, unsigned, parts.payload ?? null, signature]))
}
async function inclusion(index: number, size: number, parts?: Parts): Promise<Uint8Array> {
  return receipt([size, index, await proveInclusion(index, size, readTile)], await rootOf(size), parts)
}
async function consistency(from: number, to: number, parts?: Parts): Promise<Uint8Array> {
  return receipt([from, to, await proveConsistency(from, to, readTile)], await rootOf(to), parts, -2)
}

describe('receipts of a log in COSE', () => {
  it('prove every entry of every tree', async () => {
    for (let size = 1; size <= entries.length; size++) {
      for (let index = 0; index < size; index++) {
        const parsed = parseCoseReceipt(await inclusion(index, size))
        const tree = verifyCoseReceipt(parsed, { publicKey, algorithms, hash: leafHash(entries[index]!) })
        expect(tree).toEqual({ size, root: await rootOf(size) })
        expect(parsed.issuer).toBe('log.example')
      }
    }
  })

  it('prove that every tree extends every smaller one', async () => {
    for (let to = 2; to <= entries.length; to++) {
      for (let from = 1; from < to; from++) {
        const parsed = parseCoseReceipt(await consistency(from, to))
        expect(verifyCoseReceipt(parsed, { publicKey, algorithms, hash: await rootOf(from) }).size).toBe(to)
      }
    }
  })

  it('prove nothing about another entry, another tree or under another key', async () => {
    const parsed = parseCoseReceipt(await inclusion(3, 9))
    const verify = (change: object): unknown =>
      verifyCoseReceipt(parsed, { publicKey, algorithms, hash: leafHash(entries[3]!), ...change })
    expect(verify({})).toMatchObject({ size: 9 })
    expect(() => verify({ hash: leafHash(entries[4]!) })).toThrow(code('COSE_SIGNATURE'))
    expect(() => verify({ hash: new Uint8Array(31) })).toThrow(code('COSE_MALFORMED'))
    expect(() => verify({ proof: 1 })).toThrow(code('COSE_MALFORMED'))
    const other = crypto.ecdsa.generate('P-256').publicKey
    expect(() => verify({ publicKey: { ...publicKey, point: other } })).toThrow(code('COSE_SIGNATURE'))
    expect(() => verify({ algorithms: ['ES384'] })).toThrow(code('COSE_ALGORITHM'))
    const grown = parseCoseReceipt(await consistency(5, 9))
    const from = (hash: Uint8Array): unknown => verifyCoseReceipt(grown, { publicKey, algorithms, hash })
    expect(from(await rootOf(5))).toMatchObject({ size: 9 })
    expect(() => from(new Uint8Array(32))).toThrow(code('COSE_SIGNATURE'))
    // Where the old tree is a whole subtree its root is part of what leads to the new one.
    const whole = parseCoseReceipt(await consistency(8, 9))
    expect(() => verifyCoseReceipt(whole, { publicKey, algorithms, hash: new Uint8Array(32) })).toThrow(
      code('COSE_SIGNATURE'),
    )
  })

  it('are refused with a path of another length', async () => {
    const path = await proveInclusion(3, 9, readTile)
    for (const wrong of [path.slice(1), [...path, path[0]!]]) {
      const parsed = parseCoseReceipt(await receipt([9, 3, wrong], await rootOf(9)))
      expect(() => verifyCoseReceipt(parsed, { publicKey, algorithms, hash: leafHash(entries[3]!) })).toThrow(
        code('MERKLE_INCLUSION'),
      )
    }
  })
})

describe('malformed receipts', () => {
  const hash = new Uint8Array(32)
  const proof = encodeCbor([9, 3, [hash]])
  it.each<[string, Parts]>([
    ['a payload inside', { payload: utf8('root') }],
    ['another tag', { tag: 17 }],
    ['no kind of tree', { signed: [[1, -7]] }],
    ['no algorithm', { signed: [[395, 1]] }],
    [
      'claims that are none',
      {
        signed: [
          [1, -7],
          [395, 1],
          [15, 'x'],
        ],
      },
    ],
    [
      'an issuer that is a number',
      {
        signed: [
          [1, -7],
          [395, 1],
          [15, new Map([[1, 7]])],
        ],
      },
    ],
    ['no proofs', { proofs: [] }],
    ['an empty list of proofs', { proofs: [[-1, []]] }],
    [
      'proofs of both kinds',
      {
        proofs: [
          [-1, [proof]],
          [-2, [proof]],
        ],
      },
    ],
    ['proofs of an unknown kind', { proofs: [[-3, [proof]]] }],
    ['too many proofs', { proofs: [[-1, Array.from({ length: 17 }, () => proof)]] }],
    ['a proof that is no byte string', { proofs: [[-1, [[9, 3, [hash]]]]] }],
    ['a proof of two', { proofs: [[-1, [encodeCbor([9, 3])]]] }],
    ['a proof with text for a number', { proofs: [[-1, [encodeCbor(['9', 3, []])]]] }],
    ['a negative index', { proofs: [[-1, [encodeCbor([9, -1, [hash]])]]] }],
    ['a size beyond safe integers', { proofs: [[-1, [encodeCbor([2n ** 60n, 3, [hash]])]]] }],
    ['a leaf outside the tree', { proofs: [[-1, [encodeCbor([9, 9, [hash]])]]] }],
    ['an empty tree', { proofs: [[-1, [encodeCbor([0, 0, []])]]] }],
    ['a short hash', { proofs: [[-1, [encodeCbor([9, 3, [new Uint8Array(31)]])]]] }],
    [
      'a path that is too long',
      { proofs: [[-1, [encodeCbor([9, 3, Array.from({ length: 55 }, () => hash)])]]] },
    ],
    ['a tree that shrank', { proofs: [[-2, [encodeCbor([9, 3, [hash]])]]] }],
    ['growth from nothing', { proofs: [[-2, [encodeCbor([0, 3, [hash]])]]] }],
  ])('%s', async (_, parts) => {
    const bytes = await inclusion(3, 9, parts)
    expect(() => parseCoseReceipt(bytes)).toThrow(code('COSE_MALFORMED'))
  })

  it('another kind of tree is not understood, without its tag it is none', async () => {
    const other = await inclusion(3, 9, {
      signed: [
        [1, -7],
        [395, 2],
      ],
    })
    expect(() => parseCoseReceipt(other)).toThrow(code('COSE_UNSUPPORTED'))
    const untagged = (await inclusion(3, 9)).subarray(1)
    expect(() => parseCoseReceipt(untagged)).toThrow(code('COSE_MALFORMED'))
  })

  it('a receipt is no message with a payload', async () => {
    const bytes = await inclusion(3, 9)
    expect(() => parseCoseSign1(bytes)).toThrow(code('COSE_UNSUPPORTED'))
  })

  it('with any byte changed are refused, or say another size of the same tree', async () => {
    const bytes = await inclusion(3, 9)
    const honest = verifyCoseReceipt(parseCoseReceipt(bytes), {
      publicKey,
      algorithms,
      hash: leafHash(entries[3]!),
    })
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(bytes)
        changed[at]! ^= flip
        let found: typeof honest
        try {
          found = verifyCoseReceipt(parseCoseReceipt(changed), {
            publicKey,
            algorithms,
            hash: leafHash(entries[3]!),
          })
        } catch (error) {
          expect(error).toMatchObject({ name: 'SottoError' })
          return
        }
        // Nobody signs the size: the same path may lead to the same root from another one.
        expect(found.root).toEqual(honest.root)
        expect(found.size).not.toBe(honest.size)
      }),
      { numRuns: RUNS },
    )
  })
})
