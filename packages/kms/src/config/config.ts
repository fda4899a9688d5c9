import { fromBase64Url } from '@sotto/protocol/bytes'
import { type Custodian, custodianListDecoder, MAX_SHARES, MIN_THRESHOLD } from '@sotto/protocol/custody'
import type { Genesis } from '@sotto/protocol/keyrelease'
import {
  boolean,
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
import type { RootConfig } from '../root/types.ts'
import type { RequestKem } from '../state/index.ts'
import type { StoreLocation } from '../store/index.ts'

/** Configuration of one KMS. Its bytes are measured (HOST_DATA); what genesis repeats never changes again. */
export interface KmsConfig {
  name: string
  listen: Listen
  /** Where `/metrics` listens; absent: nowhere. */
  metrics: Listen | undefined
  /** Directory of the sealed store, or which store of a database that replicas share. */
  store: StoreLocation
  /** Where the root secret comes from. Default: the TEE. */
  root: RootConfig
  /** Running KMSes that may hand over to this one, tried in turn before the root source is asked. */
  peers: string[]
  /** The genesis this KMS has, or must get back: another one ends the start. */
  expectGenesis: string | undefined
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
  /** Another dialect that is served too, over TLS of its own, see docs/compat-azure.md; absent: none. */
  compat: KmsCompat | undefined
  /** How often the KMS's own evidence is renewed over a newer checkpoint. Default 3600, at most 3600. */
  evidenceRefreshSeconds: number
}

/** Where clients of another dialect connect, and what they call this host. */
export interface KmsCompat {
  dialect: 'azure'
  listen: Listen
  /** DNS names and addresses for the certificate of the TLS server. Default localhost and the address it listens on. */
  names: string[]
}

/** Longest life of a request key (T4). */
const MAX_ROTATION_SECONDS = 86_400
/** A replica that was silent for so long is replaced. */
const DEFAULT_LEASE_SECONDS = 5
/** "Short" grace (T4). */
export const MAX_GRACE_SECONDS = 3600

/** An uncompressed point: 65 bytes. */
const P256_CHARACTERS = 87

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

/** An Ed25519 key, or a P-256 point that begins with 4. */
const memberKey: Decoder<string> = (value, path) => {
  if (typeof value === 'string' && value.length !== P256_CHARACTERS) return ed25519Key(value, path)
  const key = text({ min: P256_CHARACTERS, max: P256_CHARACTERS, pattern: /^B[A-P][A-Za-z0-9_-]+$/ })(
    value,
    path,
  )
  try {
    fromBase64Url(key)
  } catch (cause) {
    throw serveError('CONFIG_INVALID', `${path}: expected 65 bytes as base64url`, { cause })
  }
  return key
}

/** Where the database is, and how one gets in, is no part of what is measured: it is trusted with nothing. */
const databaseStore = object((f) => ({
  postgres: f.required(
    'postgres',
    object((postgres) => ({
      name: postgres.required('name', text({ max: 63, pattern: /^[a-z0-9][a-z0-9._-]*$/ })),
      leaseSeconds: postgres.optional('leaseSeconds', integer(1, 60), DEFAULT_LEASE_SECONDS),
    })),
  ),
}))

const storeLocation: Decoder<StoreLocation> = (value, path) =>
  typeof value === 'string' ? text({ max: 1024 })(value, path) : databaseStore(value, path)

const custodianList: Decoder<Custodian[]> = (value, path) => {
  try {
    return custodianListDecoder(value, path)
  } catch (cause) {
    throw serveError('CONFIG_INVALID', (cause as Error).message, { cause })
  }
}

/** Of the clouds that have the service; a port, a path or a name of somebody else's is refused. */
const vaultUrl = text({
  max: 128,
  pattern: /^https:\/\/[a-z0-9-]{3,24}\.managedhsm\.(?:azure\.net|usgovcloudapi\.net|azure\.cn)$/,
})
const maaUrl = text({
  max: 128,
  pattern: /^https:\/\/[a-z0-9-]+(?:\.[a-z0-9-]+){1,2}\.attest\.azure\.(?:net|us|cn)$/,
})
const keyVersion = text({ min: 32, max: 32, pattern: /^[0-9a-f]{32}$/ })

const rootConfig: Decoder<RootConfig> = object((f) => {
  const source = f.required('source', oneOf('tee', 'custodians', 'azure-managed-hsm'))
  const folder = f.optional<string | undefined>('folder', text({ max: 1024 }), undefined)
  if (source === 'tee') return { source, folder }
  if (source === 'azure-managed-hsm')
    return {
      source,
      folder,
      vaultUrl: f.required('vaultUrl', vaultUrl),
      keyName: f.required('keyName', text({ max: 127, pattern: /^[0-9A-Za-z-]+$/ })),
      keyVersion: f.required('keyVersion', keyVersion),
      previousKeyVersion: f.optional<string | undefined>('previousKeyVersion', keyVersion, undefined),
      maa: f.required('maa', maaUrl),
      clientId: f.optional<string | undefined>(
        'clientId',
        text({ min: 36, max: 36, pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ }),
        undefined,
      ),
      allowMutablePolicy: f.optional('allowMutablePolicy', boolean, false),
    }
  return {
    source,
    folder,
    threshold: f.required('threshold', integer(MIN_THRESHOLD, MAX_SHARES)),
    custodians: f.required('custodians', custodianList),
  }
})

const hostName = text({ max: 253, pattern: /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$|^::1$/ })

const compat: Decoder<KmsCompat> = object((f) => {
  const address = f.required('listen', listen)
  return {
    dialect: f.required('dialect', oneOf('azure')),
    listen: address,
    names: f.optional('names', list(hostName, 1, 16), ['localhost', address.host]),
  }
})

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
    store: f.required('store', storeLocation),
    root: f.optional('root', rootConfig, { source: 'tee', folder: undefined }),
    peers: f.optional('peers', list(httpUrl, 1, 8), []),
    expectGenesis: f.optional<string | undefined>('expectGenesis', digest, undefined),
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
          key: member.required('key', memberKey),
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
    compat: f.optional<KmsCompat | undefined>('compat', compat, undefined),
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
  // Its clients know no other keys.
  if (config.compat !== undefined && !config.suites.includes('P-384')) config.suites.push('P-384')
  requireAtMost(config.threshold, config.members.length, 'threshold')
  requireAtMost(config.witnesses.quorum, config.witnesses.keys.length, 'witnesses.quorum')
  requireDistinct(config.softwareRoots, 'softwareRoots')
  requireDistinct(config.peers, 'peers')
  if (config.peers.length > 0 && config.expectGenesis === undefined)
    throw serveError('CONFIG_INVALID', 'config.expectGenesis: expected to be present, for there are peers')
  const { root, store } = config
  if (root.source === 'azure-managed-hsm') {
    if (root.previousKeyVersion === root.keyVersion)
      throw serveError('CONFIG_INVALID', 'config.root.previousKeyVersion: expected another than keyVersion')
    if (root.previousKeyVersion !== undefined && root.folder === undefined && typeof store !== 'string')
      throw serveError(
        'CONFIG_INVALID',
        'config.root.folder: expected to be present, for the store is no folder',
      )
  }
  if (root.source === 'custodians') {
    requireAtMost(root.threshold, root.custodians.length, 'root.threshold')
    if (root.folder === undefined && typeof store !== 'string')
      throw serveError(
        'CONFIG_INVALID',
        'config.root.folder: expected to be present, for the store is no folder',
      )
  }
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
