export { malformed, type DerErrorCode } from './errors.ts'
export { constructed, DerReader, MAX_DER_BYTES, MAX_DER_DEPTH, primitive, TAG } from './reader.ts'
export { readGeneralizedTime, readTime } from './time.ts'
export { decodeNamedBits } from './values.ts'
