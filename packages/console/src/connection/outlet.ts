import type { ConnectOptions } from '@sotto/client'

/** The way from one verification to the relay. */
export interface Outlet extends Required<Pick<ConnectOptions, 'fetch' | 'webSocket'>> {
  /** The trust bundle that was judged last, byte for byte as it was served; undefined before one came. */
  readonly bundle: readonly BlobPart[] | undefined
}

/**
 * Opens a way out that ends for good with `over`, whatever is on it.
 *
 * @param trust where the trust bundle is
 */
export function openOutlet(trust: URL, over: AbortSignal): Outlet {
  let bundle: BlobPart[] | undefined
  return {
    get bundle() {
      return bundle
    },
    async fetch(input, init) {
      const signal = init?.signal ? AbortSignal.any([init.signal, over]) : over
      const response = await fetch(input, { ...init, signal })
      if (String(input) !== trust.href || response.status !== 200 || response.body === null) return response
      const parts: BlobPart[] = (bundle = [])
      // Only what is read of it: whoever judges it knows how much that may be.
      const heard = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(piece, to) {
          parts.push(piece)
          to.enqueue(piece)
        },
      })
      return new Response(response.body.pipeThrough(heard), { headers: response.headers })
    },
    webSocket: class extends WebSocket {
      constructor(url: string, protocols: string) {
        over.throwIfAborted()
        super(url, protocols)
        const close = (): void => this.close()
        over.addEventListener('abort', close)
        this.addEventListener('close', () => over.removeEventListener('abort', close))
      }
    },
  }
}
