export { crypto } from '#crypto-backend'
export { AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH } from './types.ts'
export type { CryptoErrorCode } from './errors.ts'
export type {
  AeadKey,
  AeadName,
  AeadOpener,
  AeadSealer,
  CryptoBackend,
  DhGroup,
  DhGroupName,
  DhPrivateKey,
  DhPublicKey,
  Ecdsa,
  EcdsaCurveName,
  Ed25519,
  HashName,
  IncrementalHash,
  MlKem,
  MlKemName,
  MlKemPrivateKey,
  MlKemPublicKey,
  Rsa,
  RsaPublicKey,
  Sha2Name,
  SigningKey,
  VerifyingKey,
  XofName,
} from './types.ts'
