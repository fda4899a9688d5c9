import { DEFAULT_UPLOAD_BYTES, MAX_UPLOAD_BYTES, MIN_UPLOAD_BYTES } from '@sotto/protocol/sizes'
import {
  httpUrl,
  integer,
  list,
  listen,
  object,
  table,
  text,
  type Decoder,
  type Listen,
} from '@sotto/serve/config'
import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import type { ModelAliases, SealedModels } from '../models/index.ts'

/** Configuration of an inference enclave. Its bytes are measured (HOST_DATA). */
export interface InferenceConfig {
  listen: Listen
  /** Where `/metrics` listens; absent: nowhere. */
  metrics: Listen | undefined
  kms: { url: string }
  log: { url: string }
  /** What this enclave accepts of its KMS: the same document clients pin (T1). */
  policy: TrustPolicy
  models: SealedModels
  /** Other names of models, at most 64. Measured like everything here: no operator renames a model in secret. */
  aliases: ModelAliases
  /** Largest recording, bytes. Default 256 MiB. */
  maxUploadBytes: number
  /** Memory for recordings that wait for the fields behind them, all together, bytes. Default: four of the largest. */
  maxWaitingBytes: number
}

/** Uploads of the largest size that may wait at once. */
const WAITING_UPLOADS = 4

/** As the proxy takes a model's name in a path; an id is what `engines/manifest.ts` says. */
const ALIAS = /^[A-Za-z0-9][\w./:-]{0,127}$/
const MODEL_ID = /^[a-z0-9][a-z0-9._/-]{0,127}$/

const policy: Decoder<TrustPolicy> = (value) => parseTrustPolicy(value as object)
const url = object((fields) => ({ url: fields.required('url', httpUrl) }))

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
    kms: fields.required('kms', url),
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
    aliases: fields.optional<ModelAliases>('aliases', table(ALIAS, text({ pattern: MODEL_ID }), 0, 64), {}),
    maxUploadBytes,
    maxWaitingBytes: fields.optional(
      'maxWaitingBytes',
      integer(maxUploadBytes, WAITING_UPLOADS * MAX_UPLOAD_BYTES),
      WAITING_UPLOADS * maxUploadBytes,
    ),
  }
})
