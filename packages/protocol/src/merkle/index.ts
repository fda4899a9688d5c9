export { merkleError, type MerkleErrorCode } from './errors.ts'
export { emptyRoot, leafHash, nodeHash, verifyConsistency, verifyInclusion } from './proofs.ts'
export {
  entryBundlePath,
  proveConsistency,
  proveInclusion,
  rootFromTiles,
  TILE_WIDTH,
  tilePath,
  type TileId,
  type TileReader,
} from './tiles.ts'
export { parseTilePath, type TileRequest } from './tile-path.ts'
