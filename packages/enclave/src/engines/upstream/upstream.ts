import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from '@sotto/protocol/errors'
import { engineError } from '../errors.ts'
import { Slots } from '../host/slots.ts'
import type { EmbedRequest, EmbedResult, GenerateRequest, InferRequest, Tensor, TextEvent } from '../types.ts'
import type { ByteBudget } from '../../ram/byte-budget.ts'
import { createAnswerBudget } from './answer-budget.ts'
import { readApiKey } from './api-key.ts'
import { type Known, ServerIdentity } from './identity.ts'
import { decodeInferAnswer } from './kserve/infer-answer.ts'
import { inferBody } from './kserve/infer-request.ts'
import { decodeEmbeddings, embeddingsBody } from './openai/embeddings.ts'
import { textEvents } from './openai/text-events.ts'
import { textRequest } from './openai/text-request.ts'
import { type ServerAddress, ServerClient, type ServerRequest } from './server-client.ts'
import type { UpstreamConfig } from './types.ts'
import { upstreamDigest } from './weights.ts'

const MAX_WAITING = 32
const MAX_WAIT_MS = 60_000
const IDLE_MS = 120_000
const POLL_MS = 200

/** What a server that is starting says or does not say. */
const WAITS = ['ENGINE_CRASHED', 'ENGINE_BUSY', 'ENGINE_FAILED'] as const

/** How {@link Upstream.open} goes about it. */
export interface UpstreamOptions {
  /** How long it waits for a server that is starting, ms. Default 600 000. */
  readonly timeoutMs?: number
  /** Memory for answers, shared with other servers. Default one of its own. */
  readonly budget?: ByteBudget
  /** Told once, when the server is found to have another model than it had, and is not asked any more. */
  readonly onFailed?: (reason: Error) => void
}

/** A model in a server beside this process. Calls may be concurrent; those beyond its concurrency wait their turn. */
export class Upstream {
  readonly config: UpstreamConfig
  /** What receipts quote, see `weights.ts`. */
  readonly digest: string
  /** Signature of a model that is addressed by tensor. */
  readonly tensors: Known['tensors']
  private readonly client: ServerClient
  private readonly identity: ServerIdentity
  private readonly budget: ByteBudget
  private readonly onFailed: (reason: Error) => void
  private readonly isBinary: boolean
  private readonly slots = new Slots(MAX_WAITING, MAX_WAIT_MS)
  private isThere = true

  /**
   * Checks the files of the model, then waits until the server says it is ready and has it.
   * @throws `ENGINE_MODEL_INVALID`, `ENGINE_LOAD_FAILED` when it is not ready in time
   */
  static async open(config: UpstreamConfig, options: UpstreamOptions = {}): Promise<Upstream> {
    const { apiKeyFile } = config
    const client = new ServerClient({
      address: addressOf(config.url),
      routes: routesOf(config),
      idleMs: IDLE_MS,
      // Read at each request: a key that is replaced on the disk is used from then on.
      ...(apiKeyFile !== undefined && { apiKey: () => readApiKey(apiKeyFile) }),
    })
    let opened: Upstream | undefined
    const identity = new ServerIdentity(config, client, (reason) => opened?.fail(reason))
    const deadline = performance.now() + (options.timeoutMs ?? 600_000)
    for (;;) {
      try {
        await identity.confirm()
        opened = new Upstream(config, client, identity, identity.known!, options)
        return opened
      } catch (cause) {
        if (!WAITS.some((code) => hasCode(cause, code))) throw cause
        if (performance.now() > deadline)
          throw engineError('ENGINE_LOAD_FAILED', 'the model server did not get ready', {
            cause,
            found: config.id,
          })
        await sleep(POLL_MS)
      }
    }
  }

  private constructor(
    config: UpstreamConfig,
    client: ServerClient,
    identity: ServerIdentity,
    known: Known,
    options: UpstreamOptions,
  ) {
    this.config = config
    this.client = client
    this.identity = identity
    this.budget = options.budget ?? createAnswerBudget()
    this.onFailed = options.onFailed ?? (() => undefined)
    this.digest = upstreamDigest(config)
    this.tensors = known.tensors
    this.isBinary = known.isBinary
    this.slots.setLimit(config.concurrency)
  }

  /** Whether the last call reached it, and it was the server it should be. */
  get isReady(): boolean {
    return this.isThere
  }

  /** Continues text or a conversation. */
  async *generate(request: GenerateRequest, signal?: AbortSignal): AsyncGenerator<TextEvent, void> {
    const { route, body } = textRequest(this.config.model, request, this.config.prefixCache ?? 'none')
    const leave = await this.slots.enter(signal)
    try {
      const events = this.client.events({ route, body, guard: this.identity, ...(signal && { signal }) })
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
    return this.called(signal, async (means) =>
      decodeEmbeddings(await this.client.json({ route: 'POST /v1/embeddings', body, ...means }), request),
    )
  }

  /** Runs a graph on tensors. */
  infer(request: InferRequest, signal?: AbortSignal): Promise<Tensor[]> {
    const body = inferBody(request, this.isBinary)
    const route = `POST /v2/models/${this.config.model}/infer`
    return this.called(signal, async (means) =>
      decodeInferAnswer(await this.client.whole({ route, body, ...means }), request.outputs, means.hold),
    )
  }

  /** Refuses every call from now on. */
  close(): void {
    this.identity.doubt()
    this.slots.close(engineError('ENGINE_CLOSED', 'the engine was stopped'))
  }

  private async called<T>(
    signal: AbortSignal | undefined,
    run: (means: Pick<ServerRequest, 'hold' | 'guard' | 'signal'>) => Promise<T>,
  ): Promise<T> {
    const leave = await this.slots.enter(signal)
    const releases: (() => void)[] = []
    try {
      const hold = (bytes: number): void => void releases.push(this.budget.take(bytes))
      const result = await run({ hold, guard: this.identity, ...(signal && { signal }) })
      this.isThere = true
      return result
    } catch (error) {
      throw this.noted(error)
    } finally {
      leave()
      // From here on it is the caller's, who counts the tensors of answers.
      for (const release of releases) release()
    }
  }

  private fail(reason: Error): void {
    this.isThere = false
    this.slots.close(reason)
    this.onFailed(reason)
  }

  private noted(error: unknown): unknown {
    if (!hasCode(error, 'ENGINE_CRASHED')) return error
    this.isThere = false
    this.identity.doubt()
    return error
  }
}

function routesOf({ kind, task, model }: UpstreamConfig): string[] {
  if (kind === 'kserve')
    return [
      'GET /v2',
      `GET /v2/models/${model}`,
      `GET /v2/models/${model}/config`,
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
