import type { ModelTask } from '../types.ts'

/** What a model server in the same TEE may be asked to do for us. */
export type UpstreamTask = Extract<ModelTask, 'text-generation' | 'embedding' | 'tensors'>

/**
 * How a server is told to use nothing of one client's prompt for another:
 * - `cache_salt` (vLLM): every request carries one, the client's or one drawn for it alone.
 * - `cache_prompt` (llama.cpp's server): every request forbids it; a client's salt changes nothing.
 * - `none`: the server was started without any prefix cache, as its measured command line says.
 *
 * Nothing of it can be seen from here: a server that does otherwise tells by its speed what others have sent.
 */
export type PrefixCache = 'cache_salt' | 'cache_prompt' | 'none'

/** A model server in the same TEE, as the measured configuration names it. */
export interface UpstreamConfig {
  /** What clients put in `model`. */
  readonly id: string
  readonly kind: 'openai' | 'kserve'
  readonly task: UpstreamTask
  /** `http://127.0.0.1:PORT` or `http://[::1]:PORT`: nothing else is in this TEE for certain. */
  readonly url: string
  /** What the server calls the model: 1-128 of `A-Z a-z 0-9 . _ / -`. */
  readonly model: string
  readonly weights: WeightsConfig
  /** Of `openai` servers. One that embeds has no field to forbid it by: `none`. */
  readonly prefixCache: PrefixCache | undefined
  /** Of `kserve` servers: that they were started without keeping answers, as their measured command line says. */
  readonly responseCache: 'none' | undefined
  /** Absolute path of the file with the secret that the server wants; undefined: none. */
  readonly apiKeyFile: string | undefined
  /** Calls at once; more wait. */
  readonly concurrency: number
}

/** The folder a server reads its model from, and what has to lie in it. */
export interface WeightsConfig {
  /** Absolute path. */
  readonly directory: string
  /** SHA-256 of its manifest, as of an image (`protocol/measurement`). */
  readonly sha256: string
}
