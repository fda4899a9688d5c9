export { merkleError, type MerkleErrorCode } from './errors.ts'
export {
  consistencyRoots,
  emptyRoot,
  inclusionRoot,
  isPowerOfTwo,
  leafHash,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from './proofs.ts'
export { proveConsistency, proveInclusion, rootFromTiles, type TileReader } from './tiles.ts'
