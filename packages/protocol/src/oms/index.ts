export { MAX_OMS_BUNDLE_BYTES, parseOmsBundle } from './bundle.ts'
export { compareOms, type ModelDifferences, type ObservedFile } from './compare.ts'
export type { OmsErrorCode } from './errors.ts'
export { type OmsKeylessOptions, type OmsKeylessSignature, verifyOmsKeyless } from './keyless.ts'
export { MAX_OMS_TRUSTED_ROOT_BYTES, type OmsTrustedRoot, parseOmsTrustedRoot } from './keyless-root.ts'
export { type OmsSigner, signOms } from './make.ts'
export { isWithin, MAX_OMS_SEGMENTS, requireSafePath } from './paths.ts'
export { parseOmsStatement } from './statement.ts'
export type { OmsBundle, OmsHash, OmsMaterial, OmsResource, OmsSerialization, OmsStatement } from './types.ts'
export {
  type OmsCertificateOptions,
  type OmsKey,
  omsKeyHint,
  parseOmsKey,
  verifyOmsWithCertificates,
  verifyOmsWithKey,
} from './verify.ts'
