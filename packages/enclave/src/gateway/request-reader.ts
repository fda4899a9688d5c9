import { type BhttpEvent, type BhttpRequestHead, parseRequest } from '@sotto/protocol/bhttp'
import { concat } from '@sotto/protocol/bytes'
import type { OhttpRequestOpener } from '@sotto/protocol/ohttp'
import { gatewayError } from './errors.ts'

/** Bounds on one request while it arrives. */
export interface ReadLimits {
  /** Content inside, bytes. */
  contentBytes: number
  /** Longest wait for the next bytes, in milliseconds. */
  idleMs: number
  /** Longest wait for all of them, in milliseconds. */
  totalMs: number
}

type RequestEvent = BhttpEvent<BhttpRequestHead>

/** Padding a request of any allowed size may have. */
const MAX_PADDING_BYTES = 2 ** 20
/** Paths and fields of the inner API are short; what the app does not need is not held. */
const PARSER_LIMITS = {
  maxFieldSectionBytes: 16 * 1024,
  maxFields: 64,
  maxPathBytes: 4096,
  maxPaddingBytes: MAX_PADDING_BYTES,
}

/** Plaintext is parsed about this much at a time: what is held of a message does not grow with its framing. */
const PIECE_BYTES = 65_536
/** Plaintext that {@link RequestReader.readAhead} may hold of a message, and what came with its last piece. */
const AHEAD_BYTES = 65_536
/** The same for a sender who has every byte travel alone. */
const AHEAD_EVENTS = 256

/**
 * Decrypts and parses one request as it arrives. Every event is authentic; `end` comes only after a
 * verified end of the message. The sender controls the rest: pace, order of bytes, and when to stop.
 */
export class RequestReader {
  readonly #body: ReadableStreamDefaultReader<Uint8Array>
  readonly #opener: OhttpRequestOpener
  readonly #parser: ReturnType<typeof parseRequest>
  readonly #onRead: ((bytes: number) => void) | undefined
  readonly #idleMs: number
  readonly #deadline: number
  #plaintext: Uint8Array[] = []
  #isAtEnd = false
  #events: RequestEvent[] = []
  #turn: Promise<unknown> = Promise.resolve()
  #end: RequestEvent | undefined
  /** Reads what {@link readAhead} was to read; what fails there fails at `next`. */
  #ahead: Promise<void> | undefined
  #isAsked = false
  #isTaken = false

  /** @param onRead told how many bytes came, before they are decrypted; what it throws, `next` throws */
  constructor(
    body: ReadableStream<Uint8Array>,
    opener: OhttpRequestOpener,
    limits: ReadLimits,
    onRead?: (bytes: number) => void,
  ) {
    this.#onRead = onRead
    this.#body = body.getReader()
    this.#opener = opener
    this.#parser = parseRequest({ ...PARSER_LIMITS, maxContentBytes: limits.contentBytes })
    this.#idleMs = limits.idleMs
    this.#deadline = performance.now() + limits.totalMs
  }

  /** True once the verified end of the request was read: only then has the client asked for it. */
  get isComplete(): boolean {
    return this.#end !== undefined
  }

  /** Whether whoever reads the rest to its end has begun: what others read from then on would have holes. */
  get isTaken(): boolean {
    return this.#isTaken
  }

  /** Says that what is left is read by one alone. */
  take(): void {
    this.#isTaken = true
  }

  /**
   * The next event, in order; concurrent calls take turns. After `end` there is nothing but `end`.
   * @throws what opener and parser throw; `GATEWAY_CUT` when the sender is gone or too slow
   */
  next(): Promise<RequestEvent> {
    this.#isAsked = true
    const result = this.#turn.then(() => this.#next())
    this.#turn = result.catch(() => undefined)
    return result
  }

  /**
   * Goes on to read and decrypt while something else is waited for, until `next` is called or {@link AHEAD_BYTES} are
   * there. Call it once. Nobody sees any of it before.
   */
  readAhead(): void {
    this.#isAsked = false
    this.#ahead ??= this.#fill()
    // Whoever asks next is told.
    this.#ahead.catch(() => undefined)
  }

  /** Stops reading; the sender is cut. */
  async cancel(): Promise<void> {
    await this.#body.cancel().catch(() => undefined)
  }

  async #next(): Promise<RequestEvent> {
    for (;;) {
      const event = this.#end ?? this.#events.shift()
      if (event !== undefined) {
        if (event.type === 'end') this.#end = event
        return event
      }
      if (this.#ahead === undefined) {
        await this.#more()
      } else {
        await this.#ahead
        this.#ahead = undefined
      }
    }
  }

  async #fill(): Promise<void> {
    let bytes = 0
    while (!this.#isAsked && bytes < AHEAD_BYTES && this.#events.length < AHEAD_EVENTS) {
      const before = this.#events.length
      await this.#more()
      for (const event of this.#events.slice(before)) {
        if (event.type === 'end') return
        if (event.type === 'content') bytes += event.bytes.length
      }
    }
  }

  /** One step towards the next event. */
  async #more(): Promise<void> {
    if (this.#plaintext.length > 0) {
      this.#events.push(...joinContent(this.#parseSome()))
    } else if (this.#isAtEnd) {
      this.#events.push(...this.#parser.finish())
    } else {
      const { done, value } = await this.#read()
      if (!done) this.#onRead?.(value.length)
      this.#plaintext = inPieces(done ? this.#opener.finish() : this.#opener.push(value))
      this.#isAtEnd = done
    }
  }

  #parseSome(): RequestEvent[] {
    const events: RequestEvent[] = []
    for (let taken = 0; taken < PIECE_BYTES && this.#plaintext.length > 0;) {
      const part = this.#plaintext.shift()!
      events.push(...this.#parser.push(part))
      taken += part.length
    }
    return events
  }

  async #read(): Promise<ReadableStreamReadResult<Uint8Array>> {
    const waitMs = Math.min(this.#idleMs, this.#deadline - performance.now())
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(gatewayError('GATEWAY_CUT', 'the request did not arrive in time')),
        Math.max(0, waitMs),
      )
    })
    try {
      return await Promise.race([this.#body.read(), timeout])
    } catch (cause) {
      void this.cancel()
      throw gatewayError('GATEWAY_CUT', 'the request was cut', { cause })
    } finally {
      clearTimeout(timer)
    }
  }
}

function inPieces(parts: readonly Uint8Array[]): Uint8Array[] {
  return parts.flatMap((part) =>
    Array.from({ length: Math.ceil(part.length / PIECE_BYTES) }, (_, index) =>
      part.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
    ),
  )
}

/** One content event in place of neighbours: who frames every byte on its own must not cost more than others. */
function joinContent(events: readonly RequestEvent[]): RequestEvent[] {
  const joined: RequestEvent[] = []
  let content: Uint8Array[] = []
  const flush = (): void => {
    if (content.length > 0)
      joined.push({ type: 'content', bytes: content.length === 1 ? content[0]! : concat(...content) })
    content = []
  }
  for (const event of events) {
    if (event.type === 'content') content.push(event.bytes)
    else {
      flush()
      joined.push(event)
    }
  }
  flush()
  return joined
}
