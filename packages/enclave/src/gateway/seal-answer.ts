import {
  type BhttpField,
  encodeContentChunk,
  encodeEnd,
  encodeResponse,
  encodeResponseStart,
} from '@sotto/protocol/bhttp'
import { concat } from '@sotto/protocol/bytes'
import type { Digest } from '@sotto/protocol/keyrelease'
import type { MessageSealer } from '@sotto/protocol/ohttp'
import { paddedLength } from '@sotto/protocol/sizes'
import { RECEIPT_TRAILER } from '@sotto/protocol/receipts'
import { innerError } from './answer.ts'
import { gatewayError } from './errors.ts'
import { padEvents } from './pad-events.ts'
import { type Block, padMessage } from './padding.ts'
import { readAll } from './read-all.ts'
import type { ReceiptDraft } from './receipt.ts'
import { type SealedParts, sealedStream } from './sealed-stream.ts'

/** One answer on its way out. */
export interface OutgoingAnswer {
  response: Response
  /** Absent for refusals of the gateway itself. */
  draft: ReceiptDraft | undefined
  model: Digest | undefined
  /**
   * Reads the rest of the request once the answer is complete; true when its verified end was
   * reached, which a receipt needs. Throws when the request is cut.
   */
  finishRequest: () => Promise<boolean>
  over: AbortController
  /** Flushes of event streams: see `PadEventsOptions`. */
  events: { bucketBytes: number; windowMs: number }
}

/** Connection matters and what the framing says already; everything else goes inside. */
const DROPPED = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'trailer',
  'te',
  'content-length',
  'server',
  'via',
])

/**
 * The answer as plaintext blocks; each is sealed and sent on its own. Event streams leave as they
 * are written, padded per flush; everything else in blocks of one size with padding at the end.
 * Throws when the app's body fails or the request turns out cut: the message then has no end.
 */
function plaintextBlocks(answer: OutgoingAnswer): AsyncGenerator<Block, void> {
  const type = answer.response.headers.get('content-type') ?? ''
  const isEvents = /^text\/event-stream(?:;|$)/i.test(type)
  return isEvents ? eventBlocks(answer) : padMessage(messageParts(answer))
}

async function* messageParts(answer: OutgoingAnswer): AsyncGenerator<Uint8Array, void> {
  yield encodeResponseStart({ status: answer.response.status, fields: fieldsOf(answer.response) })
  for await (const content of contentOf(answer, readAll(answer.response.body, answer.over.signal)))
    yield* encodeContentChunk(content)
  yield encodeEnd(await trailersOf(answer))
}

async function* eventBlocks(answer: OutgoingAnswer): AsyncGenerator<Block, void> {
  const { response, events, over } = answer
  let start: Uint8Array | undefined = encodeResponseStart({
    status: response.status,
    fields: fieldsOf(response),
  })
  const padded = padEvents(response.body ?? new Blob().stream(), {
    ...events,
    monotonicNow: () => performance.now(),
    signal: over.signal,
  })
  for await (const content of contentOf(answer, padded)) {
    const chunk = encodeContentChunk(content)
    yield { bytes: start === undefined ? concat(...chunk) : concat(start, ...chunk), isFinal: false }
    start = undefined
  }
  const end = encodeEnd(await trailersOf(answer))
  const padding = (events.bucketBytes - (end.length % events.bucketBytes)) % events.bucketBytes
  yield { bytes: concat(end, new Uint8Array(padding)), isFinal: true }
}

/** Passes content on and digests it for the receipt. */
async function* contentOf(
  { response, draft }: OutgoingAnswer,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const digest = draft?.startResponse({
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
  })
  for await (const content of source) {
    if (content.length === 0) continue
    digest?.update(content)
    yield content
  }
}

async function trailersOf({ draft, model, finishRequest }: OutgoingAnswer): Promise<BhttpField[]> {
  if (!(await finishRequest()) || draft === undefined) return []
  return [[RECEIPT_TRAILER, draft.sign(model)]]
}

function fieldsOf(response: Response): BhttpField[] {
  return [...response.headers].filter(([name]) => !DROPPED.has(name))
}

/** The sealed answer, chunk by chunk as the app writes: see {@link sealedStream}. */
export function sealChunked(
  answer: OutgoingAnswer,
  sealer: MessageSealer,
  onOver: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const blocks = plaintextBlocks(answer)
  async function next(): Promise<SealedParts> {
    const { done, value: block } = await blocks.next()
    if (done) throw new TypeError('the last block was not marked final')
    const { bytes, isFinal } = block
    return { parts: isFinal ? sealer.end(bytes) : sealer.seal(bytes), isEnd: isFinal }
  }
  return sealedStream(next, { over: answer.over, onOver, leave: () => blocks.return() })
}

/**
 * The whole answer sealed as one message, for unchunked clients. One that is larger than `maxBytes`
 * becomes an error inside. `hold` is told of every byte kept. @throws what the app's body and `hold` throw
 */
export async function sealWhole(
  answer: OutgoingAnswer,
  sealer: MessageSealer,
  maxBytes: number,
  hold: (bytes: number) => void,
): Promise<Uint8Array> {
  const message = await wholeMessage(answer, maxBytes, hold)
  return concat(
    ...sealer.seal(message),
    ...sealer.end(new Uint8Array(paddedLength(message.length) - message.length)),
  )
}

async function wholeMessage(
  answer: OutgoingAnswer,
  maxBytes: number,
  hold: (bytes: number) => void,
): Promise<Uint8Array> {
  const content: Uint8Array[] = []
  let length = 0
  for await (const part of contentOf(answer, readAll(answer.response.body, answer.over.signal))) {
    length += part.length
    if (length > maxBytes) {
      const hint = 'Use chunked OHTTP messages.'
      const response = innerError(
        gatewayError('GATEWAY_RESPONSE_TOO_LARGE', `the answer is too large for one message. ${hint}`, {
          hint,
        }),
      )
      return wholeMessage({ ...answer, response, draft: undefined, model: undefined }, Infinity, hold)
    }
    hold(part.length)
    content.push(part)
  }
  const head = { status: answer.response.status, fields: fieldsOf(answer.response) }
  return concat(...encodeResponse(head, { content, trailers: await trailersOf(answer) }))
}
