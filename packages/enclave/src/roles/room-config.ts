import { httpUrl, integer, list, listen, object, type Decoder, type Listen } from '@sotto/serve/config'
import { parseTrustPolicy, type TrustPolicy } from '@sotto/verifier'
import type { ServerProgramOptions } from '../engines/index.ts'
import { llamaServer } from './upstreams.ts'

/** Configuration of a clean room. Its bytes are measured (HOST_DATA). */
export interface RoomConfig {
  listen: Listen
  /** Where `/metrics` listens; absent: nowhere. */
  metrics: Listen | undefined
  /** The KMS, or the replicas of one KMS. */
  kms: { urls: string[] }
  log: { url: string }
  /** What this room accepts of its KMS: the same document clients pin (T1). */
  policy: TrustPolicy
  /** Boards with the sealed files of rooms, untrusted. */
  boards: { url: string }
  /** Runs GGUF models in this llama-server instead of the engine process. */
  llamaServer: ServerProgramOptions | undefined
  /** Sealed bytes that one run may read, all inputs together. Default 8 GiB. */
  maxInputBytes: number
  /** Bytes that one step may make for another. Default 1 GiB. */
  maxResultBytes: number
  /** Runs that compute at once; others wait. Default 2. */
  maxRunning: number
  /** What one query may take. */
  queries: { memoryBytes: number; threads: number; seconds: number }
}

const MIB = 2 ** 20
const GIB = 2 ** 30
const MAX_KMS_URLS = 8
const DEFAULT_QUERIES = { memoryBytes: 4 * GIB, threads: 2, seconds: 600 }

const policy: Decoder<TrustPolicy> = (value) => parseTrustPolicy(value as object)
const url = object((fields) => ({ url: fields.required('url', httpUrl) }))

/** Decodes the configuration file of a room. @throws `CONFIG_INVALID`, `POLICY_MALFORMED` */
export const roomConfig: Decoder<RoomConfig> = object((fields) => ({
  listen: fields.required('listen', listen),
  metrics: fields.optional<Listen | undefined>('metrics', listen, undefined),
  kms: fields.required(
    'kms',
    object((kms) => ({ urls: kms.required('urls', list(httpUrl, 1, MAX_KMS_URLS)) })),
  ),
  log: fields.required('log', url),
  policy: fields.required('policy', policy),
  boards: fields.required('boards', url),
  llamaServer: fields.optional<ServerProgramOptions | undefined>('llamaServer', llamaServer, undefined),
  maxInputBytes: fields.optional('maxInputBytes', integer(MIB, 1024 * GIB), 8 * GIB),
  maxResultBytes: fields.optional('maxResultBytes', integer(MIB, 64 * GIB), GIB),
  maxRunning: fields.optional('maxRunning', integer(1, 64), 2),
  queries: fields.optional(
    'queries',
    object((queries) => ({
      memoryBytes: queries.optional(
        'memoryBytes',
        integer(256 * MIB, 1024 * GIB),
        DEFAULT_QUERIES.memoryBytes,
      ),
      threads: queries.optional('threads', integer(1, 256), DEFAULT_QUERIES.threads),
      seconds: queries.optional('seconds', integer(1, 86_400), DEFAULT_QUERIES.seconds),
    })),
    DEFAULT_QUERIES,
  ),
}))
