export { merkleError, type MerkleErrorCode } from './errors.ts'
export { emptyRoot, leafHash, nodeHash, verifyConsistency, verifyInclusion } from './proofs.ts'
export { proveConsistency, proveInclusion, rootFromTiles, type TileReader } from './tiles.ts'
