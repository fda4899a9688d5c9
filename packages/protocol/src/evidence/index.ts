export {
  encodeTrustBundle,
  MAX_BUNDLE_BYTES,
  parseTrustBundle,
  proofHashes,
  provenStatementDecoder,
  trustBundleDecoder,
} from './bundle.ts'
export { composeTrustBundle, proveStatement, tileProver, type KmsState, type TreeProver } from './compose.ts'
export type { MerkleProof, ProvenStatement, TrustBundle } from './types.ts'
