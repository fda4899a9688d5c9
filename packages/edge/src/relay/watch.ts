import type { SottoError } from '@sotto/protocol/errors'
import { serveError } from '@sotto/serve/errors'
import { edgeError } from '../errors.ts'

/** Ends one exchange once, whoever ends it: the client, the gateway, the clock. */
export interface Watch {
  /** Aborted when the exchange was given up. */
  readonly signal: AbortSignal
  /** Why it was given up; undefined while nobody did. */
  readonly reason: SottoError | undefined
  /** The request is out; the gateway has this long for its response head. */
  expectAnswerWithin(ms: number): void
  /** The response head is there. */
  answered(): void
  /** Gives up: both connections are destroyed. The first reason counts. */
  abandon(reason: SottoError): void
  /** Everything was passed on. */
  finish(): void
}

/** Watches one exchange of at most `exchangeMs` whose client is behind `client`; `onOver` is called once. */
export function startWatch(client: AbortSignal, exchangeMs: number, onOver: () => void): Watch {
  const abort = new AbortController()
  let reason: SottoError | undefined
  let isAnswered = false
  let isOver = false
  let head: NodeJS.Timeout | undefined
  const total = setTimeout(onTimeout, exchangeMs)

  function finish(): void {
    if (isOver) return
    isOver = true
    clearTimeout(total)
    clearTimeout(head)
    client.removeEventListener('abort', onClientGone)
    onOver()
  }
  function abandon(why: SottoError): void {
    if (isOver) return
    reason = why
    finish()
    abort.abort()
  }
  function onTimeout(): void {
    abandon(edgeError('RELAY_TOO_SLOW', 'the exchange took too long'))
  }
  function onClientGone(): void {
    abandon(serveError('HTTP_BODY_CUT', 'the client went away'))
  }

  client.addEventListener('abort', onClientGone, { once: true })
  if (client.aborted) onClientGone()
  return {
    signal: abort.signal,
    get reason() {
      return reason
    },
    expectAnswerWithin(ms) {
      if (!isAnswered && !isOver) head = setTimeout(onTimeout, ms)
    },
    answered() {
      isAnswered = true
      clearTimeout(head)
    },
    abandon,
    finish,
  }
}
