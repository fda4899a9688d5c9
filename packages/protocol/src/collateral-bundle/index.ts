export {
  type CollateralBundle,
  digestsOf,
  isPieceName,
  MAX_BUNDLE_PIECE_BYTES,
  MAX_DOCUMENT_BYTES,
  MAX_PIECE_BYTES,
  MAX_PIECES,
  packCollateral,
  packIndex,
  parseIndex,
  type PieceDigest,
  type PieceLimits,
  requireDigests,
  unpackCollateral,
} from './document.ts'
export { type CollateralBundleErrorCode } from './errors.ts'
