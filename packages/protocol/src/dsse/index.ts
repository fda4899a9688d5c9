export {
  dsseError,
  pae,
  parseDsse,
  prepareSigner,
  signDsse,
  verifyDsse,
  type DsseEnvelope,
  type DsseErrorCode,
  type DsseSigner,
  type PreparedSigner,
} from './dsse.ts'
