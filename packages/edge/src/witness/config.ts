import { type Decoder, type Listen, list, listen, object, text } from '@sotto/serve/config'
import type { WatchedLog } from './witness.ts'

/** Configuration of a witness. */
export interface WitnessConfig {
  /** Name of its key in cosignature lines; a schema-less URL by custom. */
  name: string
  listen: Listen
  /** Directory of the key (`witness.key`) and of what was cosigned last (`witness.db`). */
  store: string
  logs: WatchedLog[]
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/
/** Of other people's logs: C2SP tlog-checkpoint asks only that it is not empty; there are some with spaces. */
const ORIGIN = /^\P{Cc}{1,256}$/u

/** Decodes the witness's configuration file. */
export const witnessConfig: Decoder<WitnessConfig> = object((fields) => ({
  name: fields.required('name', text({ pattern: NAME })),
  listen: fields.required('listen', listen),
  store: fields.required('store', text({ max: 4096 })),
  logs: fields.required(
    'logs',
    list(
      object((log) => ({
        origin: log.required('origin', text({ pattern: ORIGIN })),
        key: log.required('key', text({ max: 512 })),
      })),
      1,
      64,
    ),
  ),
}))
