export {
  dsseError,
  pae,
  parseDsse,
  prepareSigner,
  prepareVerifier,
  signDsse,
  verifyDsse,
  type DsseEnvelope,
  type DsseErrorCode,
  type DsseSigner,
  type PreparedSigner,
  type PreparedVerifier,
} from './dsse.ts'
