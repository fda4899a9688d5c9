export { describePiece, type PieceDescription } from './describe.ts'
export {
  type CollateralBundle,
  digestsOf,
  isPieceName,
  MAX_DOCUMENT_BYTES,
  MAX_PIECE_BYTES,
  MAX_PIECES,
  packCollateral,
  packIndex,
  parseIndex,
  type PieceDigest,
  requireDigests,
  unpackCollateral,
} from './document.ts'
