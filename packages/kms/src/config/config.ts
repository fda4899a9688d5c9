import { fromBase64Url } from '@sotto/protocol/bytes'
import type { Genesis } from '@sotto/protocol/keyrelease'
import {
  httpUrl,
  integer,
  type Decoder,
  list,
  listen,
  type Listen,
  object,
  oneOf,
  text,
} from '@sotto/serve/config'
import { serveError } from '@sotto/serve/errors'
import type { KeyTiming } from '../keys/lifetime.ts'
import type { RequestKem } from '../state/index.ts'

/** Configuration of one KMS. Its bytes are measured (HOST_DATA); what genesis repeats never changes again. */
export interface KmsConfig {
  name: string
  listen: Listen
  /** Where `/metrics` listens; absent: nowhere. */
  metrics: Listen | undefined
  /** Directory of the sealed store. */
  store: string
  log: { url: string; origin: string; key: string }
  witnesses: { keys: string[]; quorum: number }
  members: Genesis['members']
  threshold: number
  releaseKeys: string[]
  timing: KeyTiming
  /** One request key is made per entry and policy. P-384 is for peers bound to NIST curves, never a default. */
  suites: RequestKem[]
  /**
   * Roots of the software TEE that workloads may chain to, SHA-256 of the raw P-384 point. A KMS in the software
   * TEE has some, one on hardware none: there, the roots are those of the vendors (T10).
   */
  softwareRoots: string[]
  /** How often the KMS's own evidence is renewed over a newer checkpoint. Default 3600, at most 3600. */
  evidenceRefreshSeconds: number
}

/** Longest life of a request key (T4). */
const MAX_ROTATION_SECONDS = 86_400
/** "Short" grace (T4). */
const MAX_GRACE_SECONDS = 3600

const digest = text({ min: 64, max: 64, pattern: /^[0-9a-f]{64}$/ })
const verifierKey = text({ max: 256, pattern: /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/ })

const ed25519Key: Decoder<string> = (value, path) => {
  const key = text({ min: 43, max: 43, pattern: /^[A-Za-z0-9_-]+$/ })(value, path)
  try {
    fromBase64Url(key)
  } catch (cause) {
    throw serveError('CONFIG_INVALID', `${path}: expected 32 bytes as base64url`, { cause })
  }
  return key
}

const decodeFields: Decoder<KmsConfig> = object((f) => {
  const rotationSeconds = f.optional(
    'rotationSeconds',
    integer(10, MAX_ROTATION_SECONDS),
    MAX_ROTATION_SECONDS,
  )
  return {
    name: f.required('name', text({ max: 64 })),
    listen: f.required('listen', listen),
    metrics: f.optional<Listen | undefined>('metrics', listen, undefined),
    store: f.required('store', text({ max: 1024 })),
    log: f.required(
      'log',
      object((log) => ({
        url: log.required('url', httpUrl),
        origin: log.required('origin', text({ pattern: /^[^\s+]+$/ })),
        key: log.required('key', verifierKey),
      })),
    ),
    witnesses: f.required(
      'witnesses',
      object((witnesses) => ({
        keys: witnesses.required('keys', list(verifierKey, 1, 16)),
        quorum: witnesses.required('quorum', integer(1, 16)),
      })),
    ),
    members: f.required(
      'members',
      list(
        object((member) => ({
          name: member.required('name', text({ max: 64 })),
          key: member.required('key', ed25519Key),
        })),
        1,
        16,
      ),
    ),
    threshold: f.required('threshold', integer(1, 16)),
    releaseKeys: f.required('releaseKeys', list(ed25519Key, 1, 8)),
    timing: {
      rotationSeconds,
      overlapSeconds: f.optional(
        'overlapSeconds',
        integer(1, Math.floor(rotationSeconds / 2)),
        Math.floor(rotationSeconds / 4),
      ),
      graceSeconds: f.optional('graceSeconds', integer(1, MAX_GRACE_SECONDS), 600),
    },
    suites: f.optional('suites', list(oneOf('X-Wing', 'X25519', 'P-384'), 1, 3), ['X-Wing', 'X25519']),
    softwareRoots: f.optional('softwareRoots', list(digest, 1, 16), []),
    evidenceRefreshSeconds: f.optional('evidenceRefreshSeconds', integer(1, 3600), 3600),
  }
})

/**
 * Decodes and cross-checks a configuration.
 * @throws `CONFIG_INVALID`
 */
export const decodeKmsConfig: Decoder<KmsConfig> = (value, path) => {
  const config = decodeFields(value, path)
  requireDistinct(
    config.members.map((member) => member.key),
    'members',
  )
  requireDistinct(
    config.members.map((member) => member.name),
    'members',
  )
  requireDistinct(config.releaseKeys, 'releaseKeys')
  requireDistinct(config.witnesses.keys, 'witnesses.keys')
  requireDistinct(config.suites, 'suites')
  requireAtMost(config.threshold, config.members.length, 'threshold')
  requireAtMost(config.witnesses.quorum, config.witnesses.keys.length, 'witnesses.quorum')
  requireDistinct(config.softwareRoots, 'softwareRoots')
  return config
}

/** Two entries for one key would let one member count twice. */
function requireDistinct(values: readonly string[], name: string): void {
  if (new Set(values).size !== values.length)
    throw serveError('CONFIG_INVALID', `config.${name}: an entry is given twice`)
}

function requireAtMost(value: number, most: number, name: string): void {
  if (value > most) throw serveError('CONFIG_INVALID', `config.${name}: expected at most ${most}`)
}
