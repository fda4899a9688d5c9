import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from '@sotto/protocol/errors'
import { engineError } from '../errors.ts'
import { list, object } from '../fields.ts'
import { Slots } from '../host/slots.ts'
import type {
  EmbedRequest,
  EmbedResult,
  GenerateRequest,
  InferRequest,
  Tensor,
  TensorInfo,
  TextEvent,
} from '../types.ts'
import { decodeInferAnswer, tensorInfo } from './kserve/infer-answer.ts'
import { inferBody } from './kserve/infer-request.ts'
import { decodeEmbeddings, embeddingsBody } from './openai/embeddings.ts'
import { textEvents } from './openai/text-events.ts'
import { textRequest } from './openai/text-request.ts'
import { type ServerAddress, ServerClient } from './server-client.ts'
import type { UpstreamConfig } from './types.ts'
import { upstreamDigest, verifyWeights } from './weights.ts'

const MAX_WAITING = 32
const MAX_WAIT_MS = 60_000
const IDLE_MS = 120_000
const POLL_MS = 200

/** A model in a server beside this process. Calls may be concurrent; those beyond its concurrency wait their turn. */
export class Upstream {
  readonly config: UpstreamConfig
  /** What receipts quote, see `weights.ts`. */
  readonly digest: string
  /** Signature of a model that is addressed by tensor. */
  readonly tensors: { inputs: readonly TensorInfo[]; outputs: readonly TensorInfo[] } | undefined
  private readonly client: ServerClient
  private readonly isBinary: boolean
  private readonly slots = new Slots(MAX_WAITING, MAX_WAIT_MS)
  private isThere = true

  /**
   * Checks the files of the model, then waits until the server says it is ready and has it.
   * @throws `ENGINE_MODEL_INVALID`, `ENGINE_LOAD_FAILED` when it is not ready in time
   */
  static async open(
    config: UpstreamConfig,
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<Upstream> {
    await verifyWeights(config.weights)
    const client = new ServerClient({
      address: addressOf(config.url),
      routes: routesOf(config),
      idleMs: IDLE_MS,
    })
    const deadline = performance.now() + (options.timeoutMs ?? 600_000)
    for (;;) {
      try {
        return new Upstream(config, client, await identify(config, client, options.signal))
      } catch (cause) {
        const mayPass =
          hasCode(cause, 'ENGINE_CRASHED') || hasCode(cause, 'ENGINE_BUSY') || hasCode(cause, 'ENGINE_FAILED')
        if (!mayPass) throw cause
        if (performance.now() > deadline || options.signal?.aborted)
          throw engineError('ENGINE_LOAD_FAILED', 'the model server did not get ready', {
            cause,
            found: config.id,
          })
        await sleep(POLL_MS)
      }
    }
  }

  private constructor(config: UpstreamConfig, client: ServerClient, known: Known) {
    this.config = config
    this.client = client
    this.digest = upstreamDigest(config)
    this.tensors = known.tensors
    this.isBinary = known.isBinary
    this.slots.setLimit(config.concurrency)
  }

  /** Whether the last call reached it. */
  get isReady(): boolean {
    return this.isThere
  }

  /** Continues text or a conversation. */
  async *generate(request: GenerateRequest, signal?: AbortSignal): AsyncGenerator<TextEvent, void> {
    const { route, body } = textRequest(this.config.model, request, this.config.prefixCache ?? 'none')
    const leave = await this.slots.enter(signal)
    try {
      const events = this.client.events({ route, body, ...(signal && { signal }) })
      yield* textEvents(events, request.cacheSalt !== undefined)
      this.isThere = true
    } catch (error) {
      throw this.noted(error)
    } finally {
      leave()
    }
  }

  /** Embeds texts. */
  embed(request: EmbedRequest, signal?: AbortSignal): Promise<EmbedResult> {
    const body = embeddingsBody(this.config.model, request)
    return this.called(signal, async () =>
      decodeEmbeddings(
        await this.client.json({ route: 'POST /v1/embeddings', body, ...(signal && { signal }) }),
        request,
      ),
    )
  }

  /** Runs a graph on tensors. */
  infer(request: InferRequest, signal?: AbortSignal): Promise<Tensor[]> {
    const body = inferBody(request, this.isBinary)
    const route = `POST /v2/models/${this.config.model}/infer`
    return this.called(signal, async () =>
      decodeInferAnswer(await this.client.whole({ route, body, ...(signal && { signal }) }), request.outputs),
    )
  }

  /** Refuses every call from now on. */
  close(): void {
    this.slots.close(engineError('ENGINE_CLOSED', 'the engine was stopped'))
  }

  private async called<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    const leave = await this.slots.enter(signal)
    try {
      const result = await run()
      this.isThere = true
      return result
    } catch (error) {
      throw this.noted(error)
    } finally {
      leave()
    }
  }

  private noted(error: unknown): unknown {
    if (hasCode(error, 'ENGINE_CRASHED')) this.isThere = false
    return error
  }
}

interface Known {
  readonly tensors: Upstream['tensors']
  readonly isBinary: boolean
}

function routesOf({ kind, task, model }: UpstreamConfig): string[] {
  if (kind === 'kserve')
    return [
      'GET /v2',
      `GET /v2/models/${model}`,
      `GET /v2/models/${model}/ready`,
      `POST /v2/models/${model}/infer`,
    ]
  return [
    'GET /v1/models',
    ...(task === 'embedding'
      ? ['POST /v1/embeddings']
      : ['POST /v1/chat/completions', 'POST /v1/completions']),
  ]
}

/** Asks the server what it has: another model under our name would be answered in ours. */
async function identify(
  config: UpstreamConfig,
  client: ServerClient,
  signal: AbortSignal | undefined,
): Promise<Known> {
  const { kind, model } = config
  const get = (path: string): Promise<unknown> =>
    client.json({ route: `GET ${path}`, ...(signal && { signal }) })
  if (kind === 'openai') {
    const models = list(object(await get('/v1/models'))['data'], (one) => object(one)['id'])
    if (!models.includes(model))
      throw engineError('ENGINE_MODEL_INVALID', 'the model server does not have this model')
    return { tensors: undefined, isBinary: false }
  }
  await client.whole({ route: `GET /v2/models/${model}/ready`, ...(signal && { signal }) })
  const metadata = object(await get(`/v2/models/${model}`))
  if (metadata['name'] !== model)
    throw engineError('ENGINE_MODEL_INVALID', 'the model server does not have this model')
  const extensions = list(object(await get('/v2'))['extensions'] ?? [], String)
  const infos = (field: string): TensorInfo[] => list(metadata[field] ?? [], (one) => tensorInfo(object(one)))
  return {
    tensors: { inputs: infos('inputs'), outputs: infos('outputs') },
    isBinary: extensions.includes('binary_tensor_data'),
  }
}

/** @throws `ENGINE_LOAD_FAILED` for anything but a port of this machine's loopback */
export function addressOf(url: string): ServerAddress {
  const found = /^http:\/\/(127\.0\.0\.1|\[::1\]):(\d{1,5})$/.exec(url)
  const port = Number(found?.[2])
  if (!found || port < 1 || port > 65_535)
    throw engineError('ENGINE_LOAD_FAILED', 'a model server is reached over loopback only', {
      expected: 'http://127.0.0.1:PORT',
    })
  return { host: found[1] === '[::1]' ? '::1' : '127.0.0.1', port }
}
