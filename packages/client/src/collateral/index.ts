export { type CollateralBundle, packCollateral, unpackCollateral } from '@sotto/protocol/collateral-bundle'
export { describePiece, type PieceDescription } from './describe.ts'
export { type EndpointName, VENDOR_ENDPOINTS } from './endpoints.ts'
export { collateralError, type CollateralErrorCode } from './errors.ts'
export {
  fetchCollateral,
  type FetchCollateralOptions,
  type FetchedCollateral,
  type Unmet,
} from './fetch-collateral.ts'
export type { Met } from './fetch-need.ts'
export type { HttpOptions } from './http/index.ts'
export { collateralNeeds } from './needs/index.ts'
export { encodeOcspRequest, OCSP_NONCE_BYTES } from './ocsp-request.ts'
export type { AmdProduct, AmdTcb, CollateralRoots, Need, NeedKind, TcbUpdate } from './types.ts'
