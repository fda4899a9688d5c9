import { emptyRoot, isPowerOfTwo, nodeHash } from './proofs.ts'
import { TILE_WIDTH, tilePath, type TileId } from '../tile-path/index.ts'
import { merkleError } from './errors.ts'

const TILE_HEIGHT = 8

/** Reads the hashes of a tile, 32 × width bytes. Whoever serves tiles is untrusted: proofs are checked against the root. */
export type TileReader = (tile: TileId) => Promise<Uint8Array>

/** The proof (RFC 6962 Section 2.1.1) that leaf `index` is in the tree of `size`. */
export async function proveInclusion(index: number, size: number, read: TileReader): Promise<Uint8Array[]> {
  if (index < 0 || index >= size)
    throw merkleError('MERKLE_INCLUSION', 'leaf index is outside the tree', `0 to ${size - 1}`, `${index}`)
  const tree = new TiledTree(size, read)
  const proof: Uint8Array[] = []
  let [start, end] = [0, size]
  while (end - start > 1) {
    const middle = start + splitPoint(end - start)
    if (index < middle) {
      proof.unshift(await tree.rangeHash(middle, end))
      end = middle
    } else {
      proof.unshift(await tree.rangeHash(start, middle))
      start = middle
    }
  }
  return proof
}

/** The proof (RFC 6962 Section 2.1.2) that the tree of `size2` extends the tree of `size1`. */
export async function proveConsistency(
  size1: number,
  size2: number,
  read: TileReader,
): Promise<Uint8Array[]> {
  if (size1 > size2 || size1 < 0) throw merkleError('MERKLE_CONSISTENCY', 'tree sizes are out of order')
  if (size1 === 0 || size1 === size2) return []
  const tree = new TiledTree(size2, read)
  const proof: Uint8Array[] = []
  let [start, end] = [0, size2]
  // SUBPROOF: walk down to the boundary of the old tree; `isOldRoot` while the subtree is the whole old tree.
  let isOldRoot = true
  while (size1 !== end) {
    const middle = start + splitPoint(end - start)
    if (size1 <= middle) {
      proof.unshift(await tree.rangeHash(middle, end))
      end = middle
    } else {
      proof.unshift(await tree.rangeHash(start, middle))
      start = middle
      isOldRoot = false
    }
  }
  if (!isOldRoot) proof.unshift(await tree.rangeHash(start, end))
  return proof
}

/** Root of the tree of `size`, recomputed from tiles. */
export async function rootFromTiles(size: number, read: TileReader): Promise<Uint8Array> {
  return size === 0 ? emptyRoot() : new TiledTree(size, read).rangeHash(0, size)
}

/** Largest power of two smaller than n, by doubling: logarithms of large sizes round. */
function splitPoint(n: number): number {
  let split = 1
  while (split * 2 < n) split *= 2
  return split
}

/** Subtree hashes of one tree, from tiles read once each. */
class TiledTree {
  readonly #size: number
  readonly #read: TileReader
  readonly #tiles = new Map<string, Promise<Uint8Array>>()

  constructor(size: number, read: TileReader) {
    this.#size = size
    this.#read = read
  }

  /** Hash of the subtree over leaves [start, end): a shape the RFC's recursion reaches. */
  async rangeHash(start: number, end: number): Promise<Uint8Array> {
    const width = end - start
    if (isPowerOfTwo(width) && start % width === 0)
      return this.#perfectHash(Math.round(Math.log2(width)), start / width)
    const middle = start + splitPoint(width)
    return nodeHash(await this.rangeHash(start, middle), await this.rangeHash(middle, end))
  }

  /** Hash number `index` at `level` hash levels above the leaves; complete by construction. */
  async #perfectHash(level: number, index: number): Promise<Uint8Array> {
    const tileLevel = Math.floor(level / TILE_HEIGHT)
    const within = level % TILE_HEIGHT
    const span = 2 ** within
    let hashes = await this.#hashesAt(tileLevel, index * span, span)
    while (hashes.length > 1) {
      const above: Uint8Array[] = []
      for (let i = 0; i < hashes.length; i += 2) above.push(nodeHash(hashes[i]!, hashes[i + 1]!))
      hashes = above
    }
    return hashes[0]!
  }

  async #hashesAt(level: number, start: number, count: number): Promise<Uint8Array[]> {
    const index = Math.floor(start / TILE_WIDTH)
    const available = Math.floor(this.#size / TILE_WIDTH ** level) - index * TILE_WIDTH
    const tile = { level, index, width: Math.min(TILE_WIDTH, available) }
    const path = tilePath(tile)
    let bytes = this.#tiles.get(path)
    if (!bytes) this.#tiles.set(path, (bytes = this.#read(tile)))
    const content = await bytes
    if (content.length !== tile.width * 32)
      throw merkleError(
        'MERKLE_TILE',
        'tile has the wrong length',
        `${tile.width * 32} bytes`,
        `${content.length}`,
      )
    const offset = start - index * TILE_WIDTH
    return Array.from({ length: count }, (_, i) => content.subarray((offset + i) * 32, (offset + i + 1) * 32))
  }
}
