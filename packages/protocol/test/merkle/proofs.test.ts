import * as fc from 'fast-check'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromBase64, toHex, utf8 } from '@sotto/protocol/bytes'
import {
  leafHash,
  nodeHash,
  proveConsistency,
  proveInclusion,
  rootFromTiles,
  verifyConsistency,
  verifyInclusion,
  type TileReader,
} from '@sotto/protocol/merkle'
import { TILE_WIDTH, tilePath } from '@sotto/protocol/tile-path'

const RUNS = process.env['SLOW'] ? 300 : 25
const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'transport/tlog',
)

/** A tile reader over leaves held in memory, with every level's hashes computed once. */
function tree(leaves: readonly Uint8Array[]): TileReader {
  const levels: Uint8Array[][] = [leaves.map(leafHash)]
  for (let level = levels[0]!; level.length > 1;) {
    const above: Uint8Array[] = []
    for (let i = 0; i + 1 < level.length; i += 2) above.push(nodeHash(level[i]!, level[i + 1]!))
    levels.push((level = above))
  }
  return async ({ level, index, width }) => {
    const hashes = levels[level * 8]!.slice(index * TILE_WIDTH, index * TILE_WIDTH + width)
    return Uint8Array.from(hashes.flatMap((hash) => [...hash]))
  }
}

const leaves = Array.from({ length: 700 }, (_, i) => utf8(`entry ${i}`))
const read = tree(leaves)

describe('inclusion and consistency proofs', () => {
  it('has the roots of the published reference tree', () => {
    // The eight inputs and roots of the Certificate Transparency reference test (RFC 6962 trees).
    const inputs = [
      '',
      '00',
      '10',
      '2021',
      '3031',
      '40414243',
      '5051525354555657',
      '606162636465666768696a6b6c6d6e6f',
    ]
    const reference = tree(inputs.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))))
    return Promise.all([
      expect(rootFromTiles(1, reference).then(toHex)).resolves.toBe(
        '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      ),
      expect(rootFromTiles(8, reference).then(toHex)).resolves.toBe(
        '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
      ),
    ])
  })

  it('verify when built from tiles, across tile borders', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: leaves.length }), fc.nat(), fc.nat(), async (size, a, b) => {
        const root = await rootFromTiles(size, read)
        const index = a % size
        verifyInclusion(leafHash(leaves[index]!), index, size, await proveInclusion(index, size, read), root)
        const older = 1 + (b % size)
        verifyConsistency(
          older,
          await rootFromTiles(older, read),
          size,
          root,
          await proveConsistency(older, size, read),
        )
      }),
      { numRuns: RUNS },
    )
  })

  it('are refused after any flipped byte, lost hash or added hash', async () => {
    const root = await rootFromTiles(700, read)
    const proof = await proveInclusion(300, 700, read)
    const consistency = await proveConsistency(300, 700, read)
    const old = await rootFromTiles(300, read)
    for (let i = 0; i < proof.length; i++) {
      const flipped = proof.map((hash, at) =>
        at === i ? hash.map((byte, j) => (j === i ? byte ^ 1 : byte)) : hash,
      )
      expect(() => verifyInclusion(leafHash(leaves[300]!), 300, 700, flipped, root)).toThrow(
        expect.objectContaining({ code: 'MERKLE_INCLUSION' }),
      )
    }
    for (const wrong of [proof.slice(1), proof.slice(0, -1), [...proof, proof[0]!]]) {
      expect(() => verifyInclusion(leafHash(leaves[300]!), 300, 700, wrong, root)).toThrow(
        expect.objectContaining({ code: 'MERKLE_INCLUSION' }),
      )
    }
    for (const wrong of [[], consistency.slice(1), consistency.slice(0, -1), [...consistency, root]]) {
      expect(() => verifyConsistency(300, old, 700, root, wrong)).toThrow(
        expect.objectContaining({ code: 'MERKLE_CONSISTENCY' }),
      )
    }
    expect(() => verifyInclusion(leafHash(leaves[300]!), 301, 700, proof, root)).toThrow()
    expect(() => verifyInclusion(leafHash(leaves[300]!), 700, 700, proof, root)).toThrow()
  })

  it('name tiles as C2SP tlog-tiles does', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067')
    expect(tilePath({ level: 2, index: 0, width: 5 })).toBe('tile/2/000.p/5')
  })
})

interface Case {
  desc: string
  wantErr: boolean
  leafIdx?: number
  treeSize?: number
  root?: string
  leafHash?: string
  size1?: number
  size2?: number
  root1?: string
  root2?: string
  proof: string[] | null
}

const present = existsSync(folder)
if (!present && process.env['CI']) throw new Error(`vectors are missing: ${folder}`)

describe.skipIf(!present)('published vectors (skipped: SOTTO_VECTORS has no transport/tlog)', () => {
  for (const file of present ? readdirSync(folder) : []) {
    const cases = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Case[]
    it(`${file}: ${cases.length} cases`, () => {
      expect(cases.length).toBeGreaterThan(0)
      for (const vector of cases) {
        const proof = (vector.proof ?? []).map(fromBase64)
        const run = (): void =>
          vector.leafHash === undefined
            ? verifyConsistency(
                vector.size1!,
                fromBase64(vector.root1!),
                vector.size2!,
                fromBase64(vector.root2!),
                proof,
              )
            : verifyInclusion(
                fromBase64(vector.leafHash),
                vector.leafIdx!,
                vector.treeSize!,
                proof,
                fromBase64(vector.root!),
              )
        if (vector.wantErr) expect(run, vector.desc).toThrow()
        else expect(run, vector.desc).not.toThrow()
      }
    })
  }
})
