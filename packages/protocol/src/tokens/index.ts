export {
  formatAuthorization,
  formatChallenge,
  type OfferedChallenge,
  parseAuthorization,
  parseChallenges,
} from './auth-scheme.ts'
export { fromPaddedBase64Url, toPaddedBase64Url } from './base64url.ts'
export {
  blind,
  type Blinded,
  type BlindOptions,
  finalize,
  isBelowModulus,
  PSS_SALT_LENGTH,
} from './blind-rsa.ts'
export {
  challengeDigest,
  encodeChallenge,
  parseChallenge,
  TOKEN_TYPE,
  type TokenChallenge,
} from './challenge.ts'
export {
  DIRECTORY_PATH,
  encodeDirectory,
  type LoggedIssuerKeys,
  MAX_DIRECTORY_BYTES,
  parseDirectory,
  TOKEN_REQUEST_PATH,
} from './directory.ts'
export { tokenError, type TokenErrorCode } from './errors.ts'
export {
  issuerKeysDecoder,
  CLASS_NAME,
  type ClassKey,
  ISSUER_KEYS_TYPE,
  ISSUER_NAME,
  type IssuerKeys,
  MAX_CLASSES,
  MAX_LIVE_KEYS,
  MAX_TOKEN_KEY_SECONDS,
  NO_PREVIOUS_ISSUER_KEYS,
  type PublishedTokenKey,
  requireSuccessor,
  signIssuerKeys,
  type VerifiedIssuerKeys,
  verifyIssuerKeys,
} from './issuer-keys.ts'
export {
  encodeBatchRequest,
  encodeBatchResponse,
  encodeTokenRequest,
  MAX_BATCH,
  MAX_TOKEN_MESSAGE_BYTES,
  parseBatchRequest,
  parseBatchResponse,
  parseTokenRequest,
  parseTokenResponse,
  TOKEN_MEDIA_TYPE,
  type TokenRequest,
} from './messages.ts'
export {
  encodeToken,
  encodeTokenInput,
  parseToken,
  type PendingToken,
  type PrepareOptions,
  prepareToken,
  type Token,
  type TokenInput,
  TOKEN_LENGTH,
  verifyToken,
} from './token.ts'
export {
  encodeTokenKey,
  importTokenKey,
  MODULUS_LENGTH,
  parseTokenKey,
  TOKEN_KEY_LENGTH,
  type TokenKey,
} from './token-key.ts'
