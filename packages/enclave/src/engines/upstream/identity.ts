import { hasCode } from '@sotto/protocol/errors'
import { engineError } from '../errors.ts'
import { list, object } from '../fields.ts'
import type { TensorInfo } from '../types.ts'
import { KeptConnection } from './kept-connection.ts'
import { tensorInfo } from './kserve/infer-answer.ts'
import type { ServerClient, ServerGuard } from './server-client.ts'
import type { UpstreamConfig } from './types.ts'
import { createWeightsCheck } from './weights.ts'

/** Bytes of what a server says of itself at most. Nobody counts them: they are gone before the next is asked. */
const MAX_IDENTITY_BYTES = 1024 * 1024

/** What a server said of its model. */
export interface Known {
  /** Signature of a model that is addressed by tensor. */
  readonly tensors: { inputs: readonly TensorInfo[]; outputs: readonly TensorInfo[] } | undefined
  /** It knows the binary tensor data extension. */
  readonly isBinary: boolean
}

/**
 * Who answers at the address of a model server. Before the first call, and again whenever the process that said so may have
 * been replaced, the files of the model are compared with the measured configuration and the server is asked what it has.
 */
export class ServerIdentity implements ServerGuard {
  private readonly config: UpstreamConfig
  private readonly client: ServerClient
  private readonly verifyWeights: () => Promise<void>
  private kept: KeptConnection | undefined
  private found: Known | undefined
  private asking: Promise<void> | undefined
  private changed: Error | undefined
  private readonly onChanged: (reason: Error) => void

  /** @param onChanged told once, when the server is another than it was first */
  constructor(config: UpstreamConfig, client: ServerClient, onChanged: (reason: Error) => void) {
    this.onChanged = onChanged
    this.config = config
    this.client = client
    this.verifyWeights = createWeightsCheck(config.weights)
  }

  /** What it said first; undefined before it was asked. */
  get known(): Known | undefined {
    return this.found
  }

  /**
   * Resolves when the server is the one that was asked last, or has been asked again and is still the same.
   * @throws `ENGINE_MODEL_INVALID` from the first time on that it is not; `ENGINE_LOAD_FAILED` while it keeps no connection;
   * `ENGINE_CANCELLED`, the codes of `ServerClient`
   */
  async confirm(signal?: AbortSignal): Promise<() => boolean> {
    if (this.changed) throw this.changed
    if (!this.kept?.isOpen) {
      // All who wait for it share one.
      this.asking ??= this.ask().finally(() => (this.asking = undefined))
      await unlessAborted(this.asking, signal)
    }
    const { kept } = this
    return () => kept?.isOpen === true
  }

  /** Something went wrong with the connection to it: ask again before the next call. */
  doubt(): void {
    this.kept?.close()
    this.kept = undefined
  }

  private async ask(): Promise<void> {
    this.doubt()
    const kept = new KeptConnection()
    try {
      await this.verifyWeights()
      const known = await identify(this.config, this.client, kept)
      if (!kept.canTell) throw keepsNothing()
      if (!kept.isOne)
        throw engineError('ENGINE_CRASHED', 'the model server was replaced while it was asked what it has')
      if (this.found && JSON.stringify(this.found) !== JSON.stringify(known))
        throw engineError('ENGINE_MODEL_INVALID', 'the model server came back with a model of other tensors')
      this.found = known
      this.kept = kept
    } catch (error) {
      kept.close()
      // What has become another model does not become the right one again, and another look might miss it.
      if (this.found && hasCode(error, 'ENGINE_MODEL_INVALID')) {
        this.changed = error
        this.onChanged(error)
      }
      throw error
    }
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(engineError('ENGINE_CANCELLED', 'the caller cancelled'))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}

/** Asks the server what it has: another model under our name would be answered in ours. */
async function identify(config: UpstreamConfig, client: ServerClient, kept: KeptConnection): Promise<Known> {
  const { kind, model } = config
  const get = (path: string): Promise<unknown> =>
    client.json({ route: `GET ${path}`, kept, maxBytes: MAX_IDENTITY_BYTES })
  if (kind === 'openai') {
    const models = list(object(await get('/v1/models'))['data'], (one) => object(one)['id'])
    if (!models.includes(model)) throw otherModel(model)
    return { tensors: undefined, isBinary: false }
  }
  const status = await client.status({ route: `GET /v2/models/${model}/ready`, kept })
  // Triton says 400 while it loads a model, and also for one that it does not have: that stands in its metadata.
  if (status !== 200 && status !== 404) throw engineError('ENGINE_BUSY', 'the model server is not ready yet')
  const metadata = object(await get(`/v2/models/${model}`))
  if (metadata['name'] !== model) throw otherModel(model)
  const extensions = list(object(await get('/v2'))['extensions'] ?? [], String)
  if (extensions.includes('model_configuration')) requireNoCache(await get(`/v2/models/${model}/config`))
  const infos = (field: string): TensorInfo[] => list(metadata[field] ?? [], (one) => tensorInfo(object(one)))
  return {
    tensors: { inputs: infos('inputs'), outputs: infos('outputs') },
    isBinary: extensions.includes('binary_tensor_data'),
  }
}

/** Triton can answer a request with what it computed for another client. The configuration declares that it does not. */
function requireNoCache(config: unknown): void {
  const cache = object(config)['response_cache']
  if (cache == null || object(cache)['enable'] !== true) return
  throw engineError(
    'ENGINE_MODEL_INVALID',
    'the model server keeps answers of this model for other requests',
    {
      expected: 'responseCache: none',
      found: 'response_cache { enable: true }',
      hint: 'take response_cache out of the config.pbtxt of the model, and the digest of its folder again',
    },
  )
}

/** Whoever takes its place between two connections would get the prompt. */
function keepsNothing(): Error {
  return engineError('ENGINE_LOAD_FAILED', 'the model server closes its connection after an answer', {
    expected: 'a connection that stays open (HTTP/1.1, keep-alive)',
    found: 'connection: close',
    hint: 'switch on keep-alive in the model server, and ask it directly instead of through a proxy',
  })
}

function otherModel(model: string): Error {
  return engineError('ENGINE_MODEL_INVALID', 'the model server does not have this model', { expected: model })
}
