import { gatewayError } from './errors.ts'

/** What is sent next; `isEnd`: the final chunk is in it. */
export interface SealedParts {
  parts: Uint8Array[]
  isEnd: boolean
}

/** Whose stream it is. */
export interface SealedStreamOptions {
  /** Aborted when nobody waits for the answer any more, and with it the app. */
  over: AbortController
  /** Called when nothing of the answer is left; may be called twice. */
  onOver: () => void
  /** Lets go of where the parts come from. */
  leave: () => Promise<unknown>
}

/**
 * A sealed answer on its way out, at the pace of whoever receives it. Any failure errors the stream *without* a final
 * chunk: a part must never end like a whole.
 */
export function sealedStream(
  next: () => Promise<SealedParts>,
  { over, onOver, leave }: SealedStreamOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const fail = (): void => {
    over.abort(gatewayError('GATEWAY_CUT', 'the answer is not wanted any more'))
    onOver()
  }
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          const { parts, isEnd } = await next()
          for (const part of parts) controller.enqueue(part as Uint8Array<ArrayBuffer>)
          if (!isEnd) return
          controller.close()
          onOver()
        } catch (error) {
          fail()
          throw gatewayError('GATEWAY_CUT', 'the answer was cut', { cause: error })
        }
      },
      async cancel() {
        fail()
        await leave()
      },
    },
    { highWaterMark: 0 },
  )
}
