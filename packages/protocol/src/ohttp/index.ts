export { OhttpClientKey, OhttpRequestSealer, OhttpResponseOpener, type OhttpSendOptions } from './client.ts'
export type { OhttpErrorCode } from './errors.ts'
export {
  OhttpGatewayKey,
  type OhttpReceiveOptions,
  OhttpRequestOpener,
  type OhttpRespondOptions,
  type ReplayGuard,
} from './gateway.ts'
export type { OhttpHeader } from './header.ts'
export {
  encodeKeyConfig,
  encodeKeyConfigs,
  type OhttpAlgorithm,
  type OhttpKeyConfig,
  parseKeyConfig,
  parseKeyConfigs,
} from './key-config.ts'
export { OHTTP_MEDIA_TYPE } from './media-types.ts'
export type { OhttpLimits } from './message-opener.ts'
export { DEFAULT_MAX_CHUNK_BYTES, type MessageSealer } from './message-sealer.ts'
export type { ResponseCipher } from './response-cipher.ts'
export { chooseSuite, COMPATIBILITY_SUITES, DEFAULT_SUITES, type OhttpSuite } from './suites.ts'
