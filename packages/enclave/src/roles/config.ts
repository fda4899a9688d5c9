import { httpUrl, integer, list, listen, object, text, type Decoder, type Listen } from '@sotto/serve/config'
import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import type { SealedModels } from '../models/index.ts'

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
  /** Largest recording, bytes. Default 256 MiB. */
  maxUploadBytes: number
}

const MIB = 2 ** 20

const policy: Decoder<TrustPolicy> = (value) => parseTrustPolicy(value as object)
const url = object((fields) => ({ url: fields.required('url', httpUrl) }))

/** Decodes the enclave's configuration file. @throws `CONFIG_INVALID`, `POLICY_MALFORMED` */
export const inferenceConfig: Decoder<InferenceConfig> = object((fields) => ({
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
  maxUploadBytes: fields.optional('maxUploadBytes', integer(1024, 4096 * MIB), 256 * MIB),
}))
