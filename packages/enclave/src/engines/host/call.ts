import type { Item } from '../channel/index.ts'
import { engineError } from '../errors.ts'
import type { EngineOperation } from '../types.ts'
import { answerBounds } from './answer-bounds.ts'
import type { Lease, Supervisor } from './supervisor.ts'

/** One call as the host makes it. */
export interface CallRequest {
  readonly operation: EngineOperation
  readonly request: Item
  /** Items that follow the request (audio), pulled only as fast as the engine reads them. */
  readonly input?: AsyncIterable<Item>
  readonly signal?: AbortSignal | undefined
  /** Longest silence of an engine whose turn it is. */
  readonly idleTimeoutMs: number
}

/**
 * Runs one call and yields what the engine answers. Leaving the loop, or aborting, cancels it: the caller is free
 * at once, while the slot stays taken until the engine has stopped or has been killed.
 *
 * @throws `ENGINE_CANCELLED`, `ENGINE_TIMEOUT`, `ENGINE_CRASHED`, `ENGINE_BUSY`, `ENGINE_ANSWER_TOO_LARGE`, the engine's
 * own code, or whatever `input` throws
 */
export async function* call(supervisor: Supervisor, options: CallRequest): AsyncGenerator<Item, void> {
  const { signal } = options
  const lease = await supervisor.lease(options.operation, signal)
  const { stream } = lease
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => undefined)
  const stopWatching = watch(lease, options.idleTimeoutMs, broken.reject)
  const stopPumping = pump(lease, options, broken.reject)
  const count = answerBounds(options.operation)
  let isReleased = false
  const release = (): void => {
    if (isReleased) return
    isReleased = true
    signal?.removeEventListener('abort', onAbort)
    stopWatching()
    stopPumping()
    if (!stream.isSettled) lease.cancel()
  }
  // Here and not only below: a caller who has stopped asking for events never gets to `finally`.
  function onAbort(): void {
    broken.reject(engineError('ENGINE_CANCELLED', 'the caller cancelled'))
    release()
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()
  try {
    for (;;) {
      const item = await Promise.race([broken.promise, stream.next()])
      if (item === undefined) return
      count(stream.receivedBytes)
      yield item
    }
  } finally {
    release()
  }
}

/** Kills an engine that is silent too long while it is its turn. Slow callers and slow uploads do not count. */
function watch(lease: Lease, idleTimeoutMs: number, fail: (reason: Error) => void): () => void {
  let last = performance.now()
  lease.stream.onProgress = (): void => {
    last = performance.now()
  }
  const timer = setInterval(
    () => {
      const now = performance.now()
      if (!lease.stream.isOtherSidesTurn) last = now
      if (now - last < idleTimeoutMs) return
      fail(
        engineError('ENGINE_TIMEOUT', 'the engine made no progress', {
          expected: `an answer within ${idleTimeoutMs} ms`,
        }),
      )
      lease.kill()
    },
    Math.max(5, Math.min(1000, idleTimeoutMs / 8)),
  )
  timer.unref()
  return () => clearInterval(timer)
}

function pump(lease: Lease, options: CallRequest, fail: (reason: unknown) => void): () => void {
  const { stream } = lease
  const source = options.input?.[Symbol.asyncIterator]()
  let stopped = false
  const run = async (): Promise<void> => {
    try {
      await stream.send(options.request)
      for (let next = await source?.next(); next && !next.done; next = await source?.next())
        await stream.send(next.value)
      stream.end()
    } catch (error) {
      // When the stream is over, reading it says why; only the source's own errors are news.
      if (!stopped && !stream.isSettled) fail(error)
    }
  }
  void run()
  return () => {
    stopped = true
    stream.stopSending()
    void source?.return?.().catch(() => undefined)
  }
}
