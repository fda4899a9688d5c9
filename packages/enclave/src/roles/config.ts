import { type DataUse, dataUseDecoder } from '@sotto/protocol/data-use'
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
import type { ModelAliases, SealedModels } from '../models/index.ts'
import { type TokensConfig, tokensConfig } from './tokens.ts'

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
  models: SealedModels
  /** Other names of models, at most 64. Measured like everything here: no operator renames a model in secret. */
  aliases: ModelAliases
  /** What this enclave does with content: the same as its release statement says (T20). Absent: nothing is declared. */
  dataUse: DataUse | undefined
  /** Access tokens every request needs; absent: none does. */
  tokens: TokensConfig | undefined
  /** A dialect of other clients that is served too, see docs/compat-azure.md; absent: none. */
  compat: 'azure' | undefined
  /** Largest recording, bytes. Default 256 MiB. */
  maxUploadBytes: number
  /** Memory for recordings that wait for the fields behind them, all together, bytes. Default: four of the largest. */
  maxWaitingBytes: number
}

/** Uploads of the largest size that may wait at once. */
const WAITING_UPLOADS = 4

/** Replicas of one KMS. */
const MAX_KMS_URLS = 8

/** As the proxy takes a model's name in a path; an id is what `engines/manifest.ts` says. */
const ALIAS = /^[A-Za-z0-9][\w./:-]{0,127}$/
const MODEL_ID = /^[a-z0-9][a-z0-9._/-]{0,127}$/

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

/** Decodes the enclave's configuration file. @throws `CONFIG_INVALID`, `POLICY_MALFORMED` */
export const inferenceConfig: Decoder<InferenceConfig> = object((fields) => {
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
            64,
          ),
        ),
      })),
    ),
    dataUse: fields.optional<DataUse | undefined>('dataUse', dataUse, undefined),
    tokens: fields.optional<TokensConfig | undefined>('tokens', tokensConfig, undefined),
    aliases: fields.optional<ModelAliases>('aliases', table(ALIAS, text({ pattern: MODEL_ID }), 0, 64), {}),
    compat: fields.optional<'azure' | undefined>('compat', oneOf('azure'), undefined),
    maxUploadBytes,
    maxWaitingBytes: fields.optional(
      'maxWaitingBytes',
      integer(maxUploadBytes, WAITING_UPLOADS * MAX_UPLOAD_BYTES),
      WAITING_UPLOADS * maxUploadBytes,
    ),
  }
})
