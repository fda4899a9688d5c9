import { integer, list, object, oneOf, text, type Decoder } from '@sotto/serve/config'
import { serveError } from '@sotto/serve/errors'
import type { ServerProgramOptions, UpstreamConfig } from '../engines/index.ts'

const MODEL_ID = /^[a-z0-9][a-z0-9._/-]{0,127}$/
const SHA256 = /^[0-9a-f]{64}$/
const ABSOLUTE = /^\/[^\0]{1,1023}$/
/** In the path of a KServe v2 request it must be one segment, and no `..`. */
const KSERVE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/
const OPENAI_NAME = /^[A-Za-z0-9_/-][A-Za-z0-9._/-]{0,127}$/
const LOOPBACK = /^http:\/\/(?:127\.0\.0\.1|\[::1\]):[1-9]\d{0,4}$/

/** `{"path": "/usr/libexec/sotto/llama-server", "sha256": …}` */
export const llamaServer: Decoder<ServerProgramOptions> = object((fields) => ({
  path: fields.required('path', text({ pattern: ABSOLUTE })),
  sha256: fields.required('sha256', text({ pattern: SHA256 })),
}))

const upstream: Decoder<UpstreamConfig> = (value, path) => {
  const config = object((fields): UpstreamConfig => ({
    id: fields.required('id', text({ pattern: MODEL_ID })),
    kind: fields.required('kind', oneOf('openai', 'kserve')),
    task: fields.required('task', oneOf('text-generation', 'embedding', 'tensors')),
    url: fields.required('url', text({ pattern: LOOPBACK })),
    model: fields.required('model', text({ pattern: OPENAI_NAME })),
    weights: fields.required(
      'weights',
      object((weights) => ({
        directory: weights.required('directory', text({ pattern: ABSOLUTE })),
        sha256: weights.required('sha256', text({ pattern: SHA256 })),
      })),
    ),
    prefixCache: fields.optional<UpstreamConfig['prefixCache']>(
      'prefixCache',
      oneOf('cache_salt', 'cache_prompt', 'none'),
      undefined,
    ),
    responseCache: fields.optional<UpstreamConfig['responseCache']>(
      'responseCache',
      oneOf('none'),
      undefined,
    ),
    apiKeyFile: fields.optional<string | undefined>('apiKeyFile', text({ pattern: ABSOLUTE }), undefined),
    concurrency: fields.optional('concurrency', integer(1, 1024), 8),
  }))(value, path)
  const refuse = (what: string): Error => serveError('CONFIG_INVALID', `${path}: ${what}`)
  if ((config.kind === 'kserve') !== (config.task === 'tensors'))
    throw refuse('a kserve server takes the task tensors, and no other does')
  if (config.kind === 'kserve' && !KSERVE_NAME.test(config.model))
    throw refuse('model is no name of one segment')
  // Nobody is to forget it: the usual default of a server is to share.
  if ((config.kind === 'openai') !== (config.prefixCache !== undefined))
    throw refuse('prefixCache is needed for an openai server, and for no other')
  if (config.task === 'embedding' && config.prefixCache !== 'none')
    throw refuse('no request for embeddings forbids a cache: prefixCache has to be none')
  if ((config.kind === 'kserve') !== (config.responseCache !== undefined))
    throw refuse('responseCache is needed for a kserve server, and for no other')
  return config
}

/** Model servers in the same TEE, at most 32. */
export const upstreams: Decoder<UpstreamConfig[]> = list(upstream, 0, 32)
