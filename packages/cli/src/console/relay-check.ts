import { SottoError } from '@sotto/protocol/errors'

const TIMEOUT_MS = 5_000

/**
 * Asks the relay as a page of this origin would, so that a person reads here what a browser keeps to itself.
 * @returns what stands in the way and what to do; undefined when nothing does
 */
export async function findObstacle(
  fetch: typeof globalThis.fetch,
  { relay, gateway, origin, isLocalStack }: Readonly<Target>,
  signal: AbortSignal,
): Promise<{ what: string; hint: string } | undefined> {
  try {
    const response = await fetch(`${relay.replace(/\/+$/, '')}/relay/${gateway}/trust`, {
      headers: { origin },
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    await response.body?.cancel()
    const allowed = response.headers.get('access-control-allow-origin')
    if (allowed === origin || allowed === '*') return undefined
    return {
      what: `the relay ${relay} does not let pages of ${origin} use it`,
      hint: isLocalStack
        ? `start the stack with --browser-origin ${origin}, or leave out --port`
        : `whoever runs the relay adds ${origin} to browserOrigins`,
    }
  } catch (error) {
    if (signal.aborted || error instanceof SottoError) return undefined
    return {
      what: `the relay ${relay} does not answer now`,
      hint: isLocalStack ? 'sotto doctor says what has ended' : 'the page tries again by itself',
    }
  }
}

interface Target {
  relay: string
  gateway: string
  /** Of the page. */
  origin: string
  isLocalStack: boolean
}
