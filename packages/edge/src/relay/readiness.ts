import type { Gateway, Heard } from './gateway.ts'
import type { Upstream } from './upstream.ts'

/**
 * Asks every origin of a gateway that has several for `/readyz`, every `periodMs`, and tells the gateway what it heard.
 * Whoever says anything but 200 gets no new exchange; those that run there go on. An enclave that shuts down says so
 * before it stops taking requests. Whoever says nothing within a period gets one when there is nobody else. The result
 * ends it.
 */
export function watchReadiness(gateway: Gateway, upstream: Upstream, periodMs: number): () => void {
  const end = new AbortController()
  if (gateway.origins.length > 1)
    for (const origin of gateway.origins) void watchOrigin(gateway, origin, upstream, periodMs, end.signal)
  return () => end.abort()
}

async function watchOrigin(
  gateway: Gateway,
  origin: string,
  upstream: Upstream,
  periodMs: number,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted) {
    const next = pause(periodMs, ended)
    const heard = await ask(upstream, new URL('/readyz', origin), periodMs)
    if (ended.aborted) return
    gateway.learn(origin, heard)
    await next
  }
}

/** The origin controls its answer: of it only the status counts, and that it came in time. */
async function ask(upstream: Upstream, url: URL, withinMs: number): Promise<Heard> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), withinMs)
  try {
    const answer = await upstream({ url, method: 'GET', incremental: false, signal: abort.signal })
    await answer.body.cancel()
    return answer.status === 200 ? 'ready' : 'not-ready'
  } catch {
    return 'nothing'
  } finally {
    clearTimeout(timer)
  }
}

function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    // Nobody waits for a relay that has nothing else to do.
    timer.unref()
    ended.addEventListener('abort', done, { once: true })
    function done(): void {
      clearTimeout(timer)
      ended.removeEventListener('abort', done)
      resolve()
    }
  })
}
