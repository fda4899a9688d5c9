export {
  dsseError,
  pae,
  parseDsse,
  signDsse,
  verifyDsse,
  type DsseEnvelope,
  type DsseErrorCode,
  type DsseSigner,
} from './dsse.ts'
