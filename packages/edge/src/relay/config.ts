import { uploadLimits } from '@sotto/protocol/sizes'
import {
  type Decoder,
  httpUrl,
  integer,
  type Listen,
  list,
  listen,
  object,
  table,
  text,
} from '@sotto/serve/config'
import { serveError } from '@sotto/serve/errors'

/** Bounds on one exchange through the relay. */
export interface RelayLimits {
  /** Encapsulated request, bytes. Default: what an upload of the default largest size needs. */
  requestBytes: number
  /** Encapsulated response, bytes. Default 257 MiB. */
  responseBytes: number
  /** Longest pause of the client while its request is read. Default 30 s. */
  requestIdleMs: number
  /** Longest pause of the gateway, before and within its answer. Default 5 min: models think. */
  responseIdleMs: number
  /**
   * What a client brings of its request, and over a WebSocket takes of its answer, on average once it was waited for
   * `graceMs`. Default 512 bytes a second after 10 s; 0: any pace will do.
   */
  minBytesPerSecond: number
  graceMs: number
  /** One exchange in all. Default 30 min. */
  exchangeMs: number
  /** Exchanges at once. Default 1024. */
  exchanges: number
}

/** Configuration of a relay. */
export interface RelayConfig {
  listen: Listen
  /**
   * Name in the path → origin of the gateway, or origins of 1 to 16 enclaves that hold the same keys. The only targets
   * there are.
   */
  gateways: Record<string, string | readonly string[]>
  /** How often each of several origins is asked whether it is ready, milliseconds. Default 1 s. */
  readinessMs: number
  /** Origin of the log whose checkpoint and tiles are passed on. Default none. */
  log: string | undefined
  /** How long a trust bundle, key list or checkpoint is answered from memory. Default 15 s. */
  documentSeconds: number
  /** Web origins whose pages may use this relay (CORS; `Origin` of WebSockets), or `*`. Default none. */
  browserOrigins: string[]
  limits: RelayLimits
}

const MIB = 1024 * 1024
const DAY_MS = 86_400_000

/** The limits a configuration without `limits` gets. */
export const DEFAULT_RELAY_LIMITS: RelayLimits = {
  requestBytes: uploadLimits().messageBytes,
  responseBytes: 257 * MIB,
  requestIdleMs: 30_000,
  responseIdleMs: 300_000,
  minBytesPerSecond: 512,
  graceMs: 10_000,
  exchangeMs: 1_800_000,
  exchanges: 1024,
}

const limits: Decoder<RelayLimits> = object((fields) => ({
  requestBytes: fields.optional('requestBytes', integer(1024, 4096 * MIB), DEFAULT_RELAY_LIMITS.requestBytes),
  responseBytes: fields.optional(
    'responseBytes',
    integer(1024, 4096 * MIB),
    DEFAULT_RELAY_LIMITS.responseBytes,
  ),
  requestIdleMs: fields.optional('requestIdleMs', integer(10, DAY_MS), DEFAULT_RELAY_LIMITS.requestIdleMs),
  responseIdleMs: fields.optional('responseIdleMs', integer(10, DAY_MS), DEFAULT_RELAY_LIMITS.responseIdleMs),
  minBytesPerSecond: fields.optional(
    'minBytesPerSecond',
    integer(0, MIB),
    DEFAULT_RELAY_LIMITS.minBytesPerSecond,
  ),
  graceMs: fields.optional('graceMs', integer(10, DAY_MS), DEFAULT_RELAY_LIMITS.graceMs),
  exchangeMs: fields.optional('exchangeMs', integer(10, DAY_MS), DEFAULT_RELAY_LIMITS.exchangeMs),
  exchanges: fields.optional('exchanges', integer(1, 65_536), DEFAULT_RELAY_LIMITS.exchanges),
}))

/** Enclaves behind one name. */
const MAX_ORIGINS = 16

/** How often origins are asked where a configuration does not say. */
export const DEFAULT_READINESS_MS = 1000

/** What a gateway may be called in `/relay/{gateway}`. */
export const GATEWAY_NAME: RegExp = /^[a-z0-9][a-z0-9-]{0,31}$/

/** Decodes the relay's configuration file. */
export const relayConfig: Decoder<RelayConfig> = object((fields) => ({
  listen: fields.required('listen', listen),
  gateways: fields.required('gateways', table(GATEWAY_NAME, origins, 1, 64)),
  readinessMs: fields.optional('readinessMs', integer(100, 60_000), DEFAULT_READINESS_MS),
  log: fields.optional<string | undefined>('log', originUrl, undefined),
  documentSeconds: fields.optional('documentSeconds', integer(0, 300), 15),
  browserOrigins: fields.optional(
    'browserOrigins',
    list(text({ pattern: /^(\*|https?:\/\/[^/\s]+)$/ }), 0, 32),
    [],
  ),
  limits: fields.optional('limits', limits, DEFAULT_RELAY_LIMITS),
}))

function origins(value: unknown, path: string): string | string[] {
  if (!Array.isArray(value)) return originUrl(value, path)
  const urls = list(originUrl, 1, MAX_ORIGINS)(value, path)
  // Twice the same would get twice its share, and a second try would be none.
  if (new Set(urls).size === urls.length) return urls
  throw serveError('CONFIG_INVALID', `${path}: expected different origins`)
}

function originUrl(value: unknown, path: string): string {
  const url = httpUrl(value, path)
  return text({ pattern: /^https?:\/\/[^/]+$/ })(url, path)
}
