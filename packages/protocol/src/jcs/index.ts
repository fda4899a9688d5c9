export { canonicalJson, parseCanonicalJson, type JsonLimits, type JsonValue } from './canonical.ts'
export {
  base64,
  base64url,
  boolean,
  hex,
  integer,
  list,
  literal,
  object,
  oneOf,
  text,
  type Decoder,
} from './decode.ts'
export { jcsError, type JcsErrorCode } from './errors.ts'
