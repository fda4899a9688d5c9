export { decodeVarint, encodeVarint, MAX_VARINT, varintLength } from './varint.ts'
export { PushReader } from './push-reader.ts'
