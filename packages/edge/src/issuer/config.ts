import { CLASS_NAME, ISSUER_NAME, MAX_CLASSES, MAX_TOKEN_KEY_SECONDS } from '@sotto/protocol/tokens'
import { type Decoder, httpUrl, integer, type Listen, list, listen, object, text } from '@sotto/serve/config'

/** Configuration of a token issuer. */
export interface IssuerConfig {
  /** `issuer_name` of the challenges its tokens answer; its host name. */
  name: string
  listen: Listen
  /** Where accounts are managed: loopback only. */
  admin: Listen
  /** Directory of the database, of the signing key (`issuer.key`) and of the admin token (`admin.token`). */
  store: string
  /** Classes of tokens, at most 16: all that tells two tokens apart. */
  classes: string[]
  /** Life of a token key, in seconds. Default 14 days. */
  keyLifetimeSeconds: number
  /** How long before its end a key gets its successor. Default a quarter of its life, at most half. */
  overlapSeconds: number
  /** The log that holds every statement of keys before one of them is used. */
  log: { url: string; origin: string; key: string; witnesses: { keys: string[]; quorum: number } }
}

const DAY = 86_400
/** Shorter overlaps leave gateways no time to hear of a successor. */
const MIN_OVERLAP_SECONDS = 600

const noteKey = text({ max: 512 })

/** Decodes the issuer's configuration file. @throws `CONFIG_INVALID` */
export const issuerConfig: Decoder<IssuerConfig> = object((fields) => {
  const keyLifetimeSeconds = fields.optional(
    'keyLifetimeSeconds',
    integer(2 * MIN_OVERLAP_SECONDS, MAX_TOKEN_KEY_SECONDS - DAY),
    14 * DAY,
  )
  return {
    name: fields.required('name', text({ pattern: ISSUER_NAME })),
    listen: fields.required('listen', listen),
    admin: fields.required('admin', loopback),
    store: fields.required('store', text({ max: 4096 })),
    classes: fields.required('classes', distinct(list(text({ pattern: CLASS_NAME }), 1, MAX_CLASSES))),
    keyLifetimeSeconds,
    overlapSeconds: fields.optional(
      'overlapSeconds',
      integer(MIN_OVERLAP_SECONDS, Math.floor(keyLifetimeSeconds / 2)),
      Math.max(MIN_OVERLAP_SECONDS, Math.floor(keyLifetimeSeconds / 4)),
    ),
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
  }
})

function distinct(decode: Decoder<string[]>): Decoder<string[]> {
  return (value, path) => {
    const items = decode(value, path)
    integer(new Set(items).size, new Set(items).size)(items.length, `${path} (distinct)`)
    return items
  }
}

function loopback(value: unknown, path: string): Listen {
  const where = listen(value, path)
  text({ pattern: /^(127\.0\.0\.1|::1)$/ })(where.host, `${path}.host`)
  return where
}
