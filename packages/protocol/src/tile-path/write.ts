/** C2SP tlog-tiles: a full tile holds 256 hashes of one level. */
export const TILE_WIDTH = 256

/** Which tile: level counts tiles, not hashes; width is below 256 for the partial tile at the right edge. */
export interface TileId {
  level: number
  index: number
  width: number
}

/** Path of a tile under the log's prefix (C2SP tlog-tiles, "Merkle Tree"): `tile/0/x001/234.p/5`. */
export function tilePath({ level, index, width }: TileId): string {
  return `tile/${level}/${encodeIndex(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** Path of an entry bundle: `tile/entries/x001/234.p/5`. */
export function entryBundlePath(index: number, width: number): string {
  return `tile/entries/${encodeIndex(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** Three-digit groups, all but the last with an `x`: 1234067 is `x001/x234/067`. */
function encodeIndex(index: number): string {
  const groups = [String(index % 1000).padStart(3, '0')]
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`)
  return groups.join('/')
}
