export { type BhttpMessage, decodeRequest, decodeResponse } from './decode.ts'
export {
  type BhttpBody,
  encodeContentChunk,
  encodeEnd,
  encodeRequest,
  encodeRequestStart,
  encodeResponse,
  encodeResponseStart,
} from './encode.ts'
export type { BhttpErrorCode } from './errors.ts'
export { type BhttpMessageParser, parseRequest, parseResponse } from './parser.ts'
export {
  type BhttpEvent,
  type BhttpField,
  type BhttpLimits,
  type BhttpRequestHead,
  type BhttpResponseHead,
  DEFAULT_BHTTP_LIMITS,
} from './types.ts'
