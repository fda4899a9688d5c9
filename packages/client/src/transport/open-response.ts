import {
  type BhttpEvent,
  type BhttpField,
  type BhttpResponseHead,
  parseResponse,
} from '@sotto/protocol/bhttp'
import { SottoError } from '@sotto/protocol/errors'
import type { OhttpResponseOpener } from '@sotto/protocol/ohttp'
import { clientError } from '../errors.ts'
import { chunksOf } from '../streams.ts'

/** The decrypted response, read from the front. */
export interface OpenedResponse {
  head: BhttpResponseHead
  /**
   * Content as it is verified. Ends only after the verified end of the message; every other end throws.
   * Stopping early cancels the connection.
   */
  content: AsyncGenerator<Uint8Array, readonly BhttpField[]>
}

/**
 * Decrypts and parses while it arrives. Resolves at the head.
 * @throws `RESPONSE_TRUNCATED` the connection or the message ended early; `RESPONSE_INVALID` not authentic or malformed;
 * the reason of `signal` when it is aborted
 */
export async function openResponse(
  body: ReadableStream<Uint8Array>,
  opener: OhttpResponseOpener,
  signal: AbortSignal,
): Promise<OpenedResponse> {
  const events = eventsOf(body, opener, signal)
  for (;;) {
    const { done, value } = await events.next()
    if (done) throw clientError('RESPONSE_INVALID', 'the answer has no head')
    if (value.type === 'head') return { head: value.head, content: contentOf(events) }
  }
}

async function* contentOf(
  events: AsyncGenerator<BhttpEvent<BhttpResponseHead>>,
): AsyncGenerator<Uint8Array, readonly BhttpField[]> {
  let trailers: readonly BhttpField[] = []
  for await (const event of events) {
    if (event.type === 'content') yield event.bytes
    if (event.type === 'end') trailers = event.trailers
  }
  return trailers
}

async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  opener: OhttpResponseOpener,
  signal: AbortSignal,
): AsyncGenerator<BhttpEvent<BhttpResponseHead>> {
  const parser = parseResponse()
  let isAtEnd = false
  try {
    for await (const piece of chunksOf(body)) {
      for (const plaintext of opener.push(piece)) yield* parser.push(plaintext)
    }
    isAtEnd = true
    for (const plaintext of opener.finish()) yield* parser.push(plaintext)
    yield* parser.finish()
  } catch (cause) {
    signal.throwIfAborted()
    throw responseError(cause, isAtEnd)
  }
}

const CUT: ReadonlySet<string> = new Set(['OHTTP_TRUNCATED', 'BHTTP_TRUNCATED'])

/**
 * Errors that are not ours come from the connection, which an attacker may cut but not forge. A final
 * chunk that does not open was most likely cut too; which of the two cannot be told.
 */
function responseError(cause: unknown, isAtEnd: boolean): SottoError {
  const code = cause instanceof SottoError ? cause.code : undefined
  if (code === undefined || CUT.has(code) || (isAtEnd && code === 'OHTTP_OPEN_FAILED')) {
    return clientError('RESPONSE_TRUNCATED', 'the answer was cut; what arrived is not the whole of it', {
      cause,
    })
  }
  return clientError('RESPONSE_INVALID', 'the answer is not authentic or malformed', { found: code, cause })
}
