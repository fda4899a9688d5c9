import { concat } from '@sotto/protocol/bytes'
import { leafHash, proveInclusion, type TileReader, verifyInclusion } from '@sotto/protocol/merkle'
import { entryBundlePath, TILE_WIDTH, type TileId, tilePath } from '@sotto/protocol/tile-path'
import { serveError } from '../errors/index.ts'
import { type LogTransport, readLog } from './http.ts'

const HASH_LENGTH = 32
/** One bundle: 256 entries, each with a two-byte length (C2SP tlog-tiles, "Log Entries"). */
const MAX_BUNDLE_BYTES: number = TILE_WIDTH * (2 + 65_535)

/** Reads tiles of one log. A partial tile may be gone once the full one exists; that is then used. */
export function tileReader(log: LogTransport): TileReader {
  return async function readTile(tile: TileId): Promise<Uint8Array> {
    const exact = await readLog(log, tilePath(tile), TILE_WIDTH * HASH_LENGTH)
    const bytes =
      exact ?? (await readLog(log, tilePath({ ...tile, width: TILE_WIDTH }), TILE_WIDTH * HASH_LENGTH))
    if (bytes === undefined) throw serveError('LOG_UNREACHABLE', 'the log does not serve a tile of its tree')
    return bytes.subarray(0, tile.width * HASH_LENGTH)
  }
}

/**
 * The entries of bundle `index` of the tree, proven to be the ones the root commits to.
 * @throws `LOG_UNREACHABLE`, `LOG_INVALID`
 */
export async function readBundle(
  log: LogTransport,
  index: number,
  tree: { size: number; root: Uint8Array },
): Promise<Uint8Array[]> {
  const first = index * TILE_WIDTH
  const width = Math.min(TILE_WIDTH, tree.size - first)
  const exact = await readLog(log, entryBundlePath(index, width), MAX_BUNDLE_BYTES)
  const bytes = exact ?? (await readLog(log, entryBundlePath(index, TILE_WIDTH), MAX_BUNDLE_BYTES))
  if (bytes === undefined) throw serveError('LOG_UNREACHABLE', 'the log does not serve its entries')
  const entries = splitBundle(bytes).slice(0, width)
  if (entries.length !== width) throw serveError('LOG_INVALID', 'an entry bundle is too short')
  const leaves = entries.map(leafHash)
  const readTile = tileReader(log)
  // Every leaf of the tile takes part in the proof of its first one, so one proof covers them all.
  const readOwn: TileReader = (tile) =>
    tile.level === 0 && tile.index === index ? Promise.resolve(concat(...leaves)) : readTile(tile)
  const proof = await proveInclusion(first, tree.size, readOwn)
  verifyInclusion(leaves[0]!, first, tree.size, proof, tree.root)
  return entries
}

function splitBundle(bytes: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
    const end = at + 2 + length
    if (end > bytes.length) throw serveError('LOG_INVALID', 'an entry bundle is cut')
    entries.push(bytes.subarray(at + 2, end))
    at = end
  }
  return entries
}
