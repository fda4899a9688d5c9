export { parseSignatureAlgorithm } from './algorithm.ts'
export { parseCertificate, parseCertificatePrefix } from './certificate.ts'
export { type Crl, parseCrl, type RevokedCertificate } from './crl.ts'
export type { X509ErrorCode } from './errors.ts'
export { type OcspResponse, parseOcspResponse, type SingleResponse } from './ocsp.ts'
export { type PathOptions, requireValidAt, type VerifiedPath, verifyPath } from './path.ts'
export { certificatesOfPem, derToPem, pemToDer } from './pem.ts'
export { parsePublicKey } from './public-key.ts'
export { isSignedBy, rawEcdsaSignature, verifyRawSignature, verifySignature } from './signature.ts'
export {
  type Certificate,
  EXTENSION,
  type Extension,
  KEY_USAGE,
  type PublicKey,
  type SignatureAlgorithm,
} from './types.ts'
export { findRevocation, verifyCrl } from './verify-crl.ts'
export { type OcspQuestion, type OcspStatus, verifyOcspResponse } from './verify-ocsp.ts'
