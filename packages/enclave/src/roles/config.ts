import { type DataUse, dataUseDecoder } from '@sotto/protocol/data-use'
import { isModelName, MAX_SEALED_BYTES } from '@sotto/protocol/sealed-models'
import { DEFAULT_UPLOAD_BYTES, MAX_UPLOAD_BYTES, MIN_UPLOAD_BYTES } from '@sotto/protocol/sizes'
import {
  httpUrl,
  integer,
  list,
  listen,
  object,
  oneOf,
  table,
  text,
  type Decoder,
  type Listen,
} from '@sotto/serve/config'
import { serveError } from '@sotto/serve/errors'
import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import { type AppConfig, appConfig, artifactsOf } from '../app/index.ts'
import type { ModelAliases, SealedModels, ShelfLimits } from '../models/index.ts'
import type { ServerProgramOptions, UpstreamConfig } from '../engines/index.ts'
import { type TokensConfig, tokensConfig } from './tokens.ts'
import { llamaServer, upstreams } from './upstreams.ts'

/** Configuration of an inference enclave. Its bytes are measured (HOST_DATA). */
export interface InferenceConfig {
  listen: Listen
  /** Where `/metrics` listens; absent: nowhere. */
  metrics: Listen | undefined
  /** The KMS, or the replicas of one KMS: which of them answers changes nothing that is trusted. */
  kms: { urls: string[] }
  log: { url: string }
  /** What this enclave accepts of its KMS: the same document clients pin (T1). */
  policy: TrustPolicy
  models: SealedModels & { loaded: LoadedModels }
  /** Registry of owners' sealed models, untrusted; absent: this enclave serves none. */
  registry: { url: string } | undefined
  /** Boards and room that parties of clean rooms are passed on to, untrusted; absent: nobody is. */
  rooms: { boards: string; room: string } | undefined
  /** Model servers in the same TEE. Default none. */
  upstreams: UpstreamConfig[]
  /** Runs GGUF models in this llama-server instead of the engine process: on all cores, and faster for many at once. */
  llamaServer: ServerProgramOptions | undefined
  /** Other names of models, at most 64. Measured like everything here: no operator renames a model in secret. */
  aliases: ModelAliases
  /** What this enclave does with content: the same as its release statement says (T20). Absent: nothing is declared. */
  dataUse: DataUse | undefined
  /** Access tokens every request needs; absent: none does. */
  tokens: TokensConfig | undefined
  /** An own app that runs beside the models, see docs/apps.md; absent: none. */
  app: AppConfig | undefined
  /** Unix seconds from which on nothing is served any more, by the trusted clock; absent: no end. */
  expiresAt: number | undefined
  /** A dialect of other clients that is served too, see docs/compat-azure.md; absent: none. */
  compat: 'azure' | undefined
  /** Largest recording, bytes. Default 256 MiB. */
  maxUploadBytes: number
  /** Time that answers under way get to finish when the enclave is shut down. Default 10 s, at most an hour. */
  drainSeconds: number
  /** Memory for recordings that wait for the fields behind them, all together, bytes. Default: four of the largest. */
  maxWaitingBytes: number
}

/** How many models of owners are loaded at once, and for how long. */
export interface LoadedModels extends ShelfLimits {
  /** `<tag>/<name>` or `<tag>/<name>:<version>`: loaded ahead, and never put away. */
  pinned: string[]
}

const MIB = 2 ** 20
/** Of models whose size nobody but their owners chose: half of what a small confidential machine has. */
const DEFAULT_LOADED: LoadedModels = {
  maxBytes: 16 * 1024 * MIB,
  maxModels: 8,
  maxPerOwner: 4,
  idleSeconds: 3600,
  pinned: [],
}

/** Uploads of the largest size that may wait at once. */
const WAITING_UPLOADS = 4

/** Replicas of one KMS. */
const MAX_KMS_URLS = 8

/** As the proxy takes a model's name in a path; an id is what `engines/manifest.ts` says. */
const ALIAS = /^[A-Za-z0-9][\w./:-]{0,127}$/
/** Also an owner's, which may say its version. */
const ALIASED = /^[a-z0-9][a-z0-9._/-]{0,127}(?::[1-9]\d{0,9})?$/

/** This role keeps nothing and trains on nothing, so it may declare nothing else. */
const dataUse: Decoder<DataUse> = (value, path) => {
  let declared: DataUse
  try {
    declared = dataUseDecoder(value, path)
  } catch (cause) {
    throw serveError('CONFIG_INVALID', (cause as Error).message, { cause })
  }
  if (declared.retentionSeconds === 0 && !declared.training && declared.tasks.length > 0) return declared
  throw serveError('CONFIG_INVALID', `${path}: expected tasks, no retention and no training`)
}

const policy: Decoder<TrustPolicy> = (value) => parseTrustPolicy(value as object)
const url = object((fields) => ({ url: fields.required('url', httpUrl) }))

/** `{"url": …}`, one URL, or a list of them. */
const kms: Decoder<InferenceConfig['kms']> = (value, path) => {
  if (typeof value === 'string') return { urls: [httpUrl(value, path)] }
  if (Array.isArray(value)) return { urls: list(httpUrl, 1, MAX_KMS_URLS)(value, path) }
  return { urls: [url(value, path).url] }
}

const pinnedName: Decoder<string> = (value, path) => {
  const name = text({ max: 128 })(value, path)
  if (isModelName(name)) return name
  throw serveError('CONFIG_INVALID', `${path}: expected <tag>/<name> of an owner's model`)
}

const loadedModels: Decoder<LoadedModels> = object((fields) => ({
  maxBytes: fields.optional('maxBytes', integer(MIB, MAX_SEALED_BYTES), DEFAULT_LOADED.maxBytes),
  maxModels: fields.optional('maxModels', integer(1, 64), DEFAULT_LOADED.maxModels),
  maxPerOwner: fields.optional('maxPerOwner', integer(1, 64), DEFAULT_LOADED.maxPerOwner),
  idleSeconds: fields.optional('idleSeconds', integer(10, 30 * 86_400), DEFAULT_LOADED.idleSeconds),
  pinned: fields.optional('pinned', list(pinnedName, 0, 32), DEFAULT_LOADED.pinned),
}))

/** Sealed files one release gives the content keys of: of models and app together. */
const MAX_ARTIFACTS = 64

/** Every content key opens one file: two of one id would be two contents under one key, or one file for two purposes. */
function requireDistinctArtifacts({ app, models }: Pick<InferenceConfig, 'app' | 'models'>): void {
  if (app === undefined) return
  const ofModels = new Set(models.artifacts.map(({ id }) => id))
  const ofApp = artifactsOf(app)
  if (ofApp.some((id) => ofModels.has(id)))
    throw serveError('CONFIG_INVALID', 'config.app: an artifact of the app is one of a model')
  if (ofModels.size + ofApp.length > MAX_ARTIFACTS)
    throw serveError('CONFIG_INVALID', `config.app: expected at most ${MAX_ARTIFACTS} artifacts in all`)
}

/** Decodes the enclave's configuration file. @throws `CONFIG_INVALID`, `POLICY_MALFORMED` */
export const inferenceConfig: Decoder<InferenceConfig> = (value, path) => {
  const config = decodeConfig(value, path)
  requireDistinctArtifacts(config)
  return config
}

const decodeConfig: Decoder<InferenceConfig> = object((fields) => {
  const maxUploadBytes = fields.optional(
    'maxUploadBytes',
    integer(MIN_UPLOAD_BYTES, MAX_UPLOAD_BYTES),
    DEFAULT_UPLOAD_BYTES,
  )
  return {
    listen: fields.required('listen', listen),
    metrics: fields.optional<Listen | undefined>('metrics', listen, undefined),
    kms: fields.required('kms', kms),
    log: fields.required('log', url),
    policy: fields.required('policy', policy),
    models: fields.required(
      'models',
      object((models) => ({
        directory: models.required('directory', text({ max: 1024 })),
        artifacts: models.required(
          'artifacts',
          list(
            object((artifact) => ({
              id: artifact.required('id', text({ pattern: /^[0-9a-f]{32}$/ })),
              // A plain name: the configuration is measured, but it must not reach outside its folder either.
              file: artifact.required('file', text({ pattern: /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/ })),
            })),
            0,
            MAX_ARTIFACTS,
          ),
        ),
        loaded: models.optional('loaded', loadedModels, DEFAULT_LOADED),
      })),
    ),
    registry: fields.optional<{ url: string } | undefined>('registry', url, undefined),
    rooms: fields.optional<InferenceConfig['rooms']>(
      'rooms',
      object((rooms) => ({
        boards: rooms.required('boards', httpUrl),
        room: rooms.required('room', httpUrl),
      })),
      undefined,
    ),
    drainSeconds: fields.optional('drainSeconds', integer(1, 3600), 10),
    upstreams: fields.optional<UpstreamConfig[]>('upstreams', upstreams, []),
    llamaServer: fields.optional<ServerProgramOptions | undefined>('llamaServer', llamaServer, undefined),
    dataUse: fields.optional<DataUse | undefined>('dataUse', dataUse, undefined),
    tokens: fields.optional<TokensConfig | undefined>('tokens', tokensConfig, undefined),
    aliases: fields.optional<ModelAliases>('aliases', table(ALIAS, text({ pattern: ALIASED }), 0, 64), {}),
    app: fields.optional<AppConfig | undefined>('app', appConfig, undefined),
    // Up to the last year of four digits: what is shown of it is a date.
    expiresAt: fields.optional<number | undefined>('expiresAt', integer(1, 253_402_300_799), undefined),
    compat: fields.optional<'azure' | undefined>('compat', oneOf('azure'), undefined),
    maxUploadBytes,
    maxWaitingBytes: fields.optional(
      'maxWaitingBytes',
      integer(maxUploadBytes, WAITING_UPLOADS * MAX_UPLOAD_BYTES),
      WAITING_UPLOADS * maxUploadBytes,
    ),
  }
})
