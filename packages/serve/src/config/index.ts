export {
  boolean,
  type Decoder,
  Fields,
  httpUrl,
  integer,
  list,
  type Listen,
  listen,
  object,
  oneOf,
  table,
  text,
} from './fields.ts'
export { readConfig, type ReadConfig } from './read.ts'
export { parseStrictJson } from './strict-json.ts'
