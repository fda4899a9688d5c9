import { Worker } from 'node:worker_threads'
import { audioError } from '../errors.ts'
import type { DecoderStart, FromDecoder, ToDecoder } from './messages.ts'

/** Heap of a decoder thread, in MB. Buffers and WebAssembly lie outside it and have bounds of their own. */
const THREAD_HEAP_MB = 96

/** Built bundles have the thread's entry beside them under this name; in the source tree it is TypeScript. */
const THREAD_URL: URL = import.meta.url.endsWith('.ts')
  ? new URL('./decoder-thread.ts', import.meta.url)
  : new URL('./audio-decoder-thread.js', import.meta.url)

/** A running decoder thread: one conversation of questions and answers, then `stop`. */
export interface DecoderThread {
  post(message: ToDecoder): void
  /**
   * The next message of the thread. @throws `AUDIO_TIMEOUT` after `timeoutMs` of silence, `AUDIO_FAILED` when the
   * thread died, `AUDIO_CANCELLED` when the signal fired
   */
  receive(timeoutMs: number, signal?: AbortSignal): Promise<FromDecoder>
  stop(): Promise<void>
}

/** Starts a thread that holds nothing but one recording: no environment, no arguments, no way to the log. */
export function startDecoderThread(start: DecoderStart, url: URL = THREAD_URL): DecoderThread {
  const worker = new Worker(url, {
    workerData: start,
    env: {},
    argv: [],
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB, maxYoungGenerationSizeMb: 16 },
  })
  worker.stdout.resume()
  worker.stderr.resume()
  const received: FromDecoder[] = []
  let death: Error | undefined
  let wake: () => void = () => {}
  worker.on('message', (message: FromDecoder) => {
    received.push(message)
    wake()
  })
  const die = (): void => {
    death ??= audioError('AUDIO_FAILED', 'the decoder thread ended early')
    wake()
  }
  worker.on('error', die)
  worker.on('exit', die)

  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    post: (message) => worker.postMessage(message),
    stop: async () => {
      await worker.terminate()
    },
    async receive(timeoutMs, signal) {
      if (received.length === 0 && !death && !signal?.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs)
          wake = () => {
            clearTimeout(timer)
            signal?.removeEventListener('abort', wake)
            resolve()
          }
          signal?.addEventListener('abort', wake, { once: true })
        })
      }
      const message = received.shift()
      if (message) return message
      if (signal?.aborted)
        throw audioError('AUDIO_CANCELLED', 'decoding was cancelled', { cause: signal.reason })
      throw death ?? audioError('AUDIO_TIMEOUT', 'the decoder made no progress on this file')
    },
  }
}
