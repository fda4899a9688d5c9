import { leafHash, nodeHash } from '@sotto/protocol/merkle'
import { crypto } from '@sotto/protocol/crypto-backend'

/** Height of a tile (C2SP tlog-tiles): 256 hashes wide. */
export const TILE_HEIGHT = 8

/** Hash of a complete subtree that starts a tile row: row `level`, position `index`. */
export interface TileHash {
  level: number
  index: number
  hash: Uint8Array
}

/**
 * The right edge of an RFC 6962 tree: the roots of its complete subtrees, largest first. Enough to
 * append and to compute the root. Immutable: appending gives a new one, so a failed write leaves
 * the old one as it was.
 */
export interface Frontier {
  readonly size: number
  readonly subtrees: readonly { height: number; hash: Uint8Array }[]
}

/** The tree without leaves. */
export const EMPTY_FRONTIER: Frontier = { size: 0, subtrees: [] }

/** Appends entries; `hashes` are all tile hashes that come into being, in the order they do. */
export function appendEntries(
  frontier: Frontier,
  entries: readonly Uint8Array[],
): { frontier: Frontier; hashes: TileHash[] } {
  const subtrees = [...frontier.subtrees]
  const hashes: TileHash[] = []
  let size = frontier.size
  for (const entry of entries) {
    let height = 0
    let hash = leafHash(entry)
    hashes.push({ level: 0, index: size, hash })
    size++
    while (subtrees.at(-1)?.height === height) {
      hash = nodeHash(subtrees.pop()!.hash, hash)
      height++
      if (height % TILE_HEIGHT === 0)
        hashes.push({ level: height / TILE_HEIGHT, index: size / 2 ** height - 1, hash })
    }
    subtrees.push({ height, hash })
  }
  return { frontier: { size, subtrees }, hashes }
}

/** Merkle Tree Hash of the whole (RFC 6962 Section 2.1); of the empty tree, SHA-256 of nothing. */
export function rootOf(frontier: Frontier): Uint8Array {
  let root: Uint8Array | undefined
  for (const { hash } of frontier.subtrees.toReversed())
    root = root === undefined ? hash : nodeHash(hash, root)
  return root ?? crypto.sha256()
}
