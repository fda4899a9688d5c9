export { canonicalJson, parseCanonicalJson, type JsonLimits, type JsonValue } from './canonical.ts'
export { parseStrictJson } from './strict.ts'
export {
  areDistinct,
  base64,
  base64url,
  boolean,
  hex,
  integer,
  label,
  list,
  literal,
  members,
  object,
  oneOf,
  partial,
  refine,
  text,
  type Decoder,
  variants,
} from './decode.ts'
export { jcsError, type JcsErrorCode } from './errors.ts'
