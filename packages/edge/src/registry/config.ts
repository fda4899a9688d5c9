import { type Decoder, httpUrl, integer, type Listen, list, listen, object, text } from '@sotto/serve/config'

/** Configuration of a registry of sealed models. */
export interface RegistryConfig {
  listen: Listen
  /** Folder of database, blobs and unfinished uploads. */
  store: string
  /** Digest of the genesis whose deployment this registry serves; documents for another are refused. */
  genesis: string
  /** JSON file of the owners that may publish, looked at again at every request; absent or empty: nobody. */
  owners: string
  /** The log that holds every statement before it is shown, and every removal. */
  log: { url: string; origin: string; key: string; witnesses: { keys: string[]; quorum: number } }
  /** How long an upload may rest before it is thrown away, in seconds. Default one day. */
  uploadRestSeconds: number
  /** Unfinished uploads of one owner at a time. Default 8. */
  maxUploads: number
}

const DAY = 86_400
const noteKey = text({ max: 512 })

/** Decodes the registry's configuration file. @throws `CONFIG_INVALID` */
export const registryConfig: Decoder<RegistryConfig> = object((fields) => ({
  listen: fields.required('listen', listen),
  store: fields.required('store', text({ max: 4096 })),
  genesis: fields.required('genesis', text({ pattern: /^[0-9a-f]{64}$/ })),
  owners: fields.required('owners', text({ max: 4096 })),
  log: fields.required(
    'log',
    object((log) => ({
      url: log.required('url', httpUrl),
      origin: log.required('origin', text()),
      key: log.required('key', noteKey),
      witnesses: log.required(
        'witnesses',
        object((witnesses) => {
          const keys = witnesses.required('keys', list(noteKey, 1, 16))
          return { keys, quorum: witnesses.required('quorum', integer(1, keys.length)) }
        }),
      ),
    })),
  ),
  uploadRestSeconds: fields.optional('uploadRestSeconds', integer(60, 30 * DAY), DAY),
  maxUploads: fields.optional('maxUploads', integer(1, 64), 8),
}))
