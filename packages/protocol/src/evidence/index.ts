export {
  encodeTrustBundle,
  MAX_BUNDLE_BYTES,
  parseTrustBundle,
  proofHashes,
  provenStatementDecoder,
} from './bundle.ts'
export { composeTrustBundle, proveStatement, type KmsState } from './compose.ts'
export type { MerkleProof, ProvenStatement, TrustBundle } from './types.ts'
