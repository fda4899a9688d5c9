import { PushReader } from '../varint/index.ts'
import { ControlDataParser } from './control-data.ts'
import { malformed, tooLarge, truncated } from './errors.ts'
import { FieldSectionParser } from './field-section.ts'
import { contentLength } from './rules.ts'
import {
  type BhttpEvent,
  type BhttpField,
  type BhttpLimits,
  type BhttpRequestHead,
  type BhttpResponseHead,
  DEFAULT_BHTTP_LIMITS,
} from './types.ts'

type Control = Omit<BhttpRequestHead, 'fields'> | Omit<BhttpResponseHead, 'fields'>
type State =
  | 'framing'
  | 'control'
  | 'header-length'
  | 'header'
  | 'content-length'
  | 'content'
  | 'trailer-length'
  | 'trailer'
  | 'padding'
  | 'finished'
  | 'failed'

const NO_FIELDS: readonly BhttpField[] = []

/**
 * Parses one Binary HTTP message (RFC 9292) that arrives in pieces of any size, known-length or
 * indeterminate. The sender is hostile: memory is bounded by the limits, time is linear in the
 * input, and after an error the parser stays failed.
 */
class BhttpParser<Head> {
  readonly #isRequest: boolean
  readonly #limits: BhttpLimits
  readonly #reader = new PushReader()
  #state: State = 'framing'
  #isKnownLength = true
  #controlParser: ControlDataParser
  #control: Control | undefined
  #section: FieldSectionParser | undefined
  #informational = 0
  #declaredLength: number | undefined
  #contentRemaining = 0
  #contentBytes = 0
  #trailers: readonly BhttpField[] = NO_FIELDS
  #padding = 0

  constructor(isRequest: boolean, limits: Partial<BhttpLimits>) {
    this.#isRequest = isRequest
    this.#limits = { ...DEFAULT_BHTTP_LIMITS, ...limits }
    this.#controlParser = new ControlDataParser(this.#reader, this.#limits, isRequest)
  }

  /** Events of the next piece. @throws `BHTTP_MALFORMED`, `BHTTP_TOO_LARGE` */
  push(piece: Uint8Array): BhttpEvent<Head>[] {
    return this.#guard(() => {
      this.#reader.feed(piece)
      const events: BhttpEvent<Head>[] = []
      while (this.#step(events)) {
        // Each step consumes input or changes the state.
      }
      return events
    })
  }

  /** Events of the end of input. @throws `BHTTP_TRUNCATED` unless the message is complete, `BHTTP_MALFORMED` */
  finish(): BhttpEvent<Head>[] {
    return this.#guard(() => {
      const events: BhttpEvent<Head>[] = []
      // Section 3.8: sections may be left out at the end, when they and all that follow are empty.
      if (!this.#reader.isBetweenItems) throw truncated()
      if (this.#state === 'header-length' && this.#isFinal()) this.#onHeader(NO_FIELDS, events)
      if (this.#state === 'content-length' && (this.#isKnownLength || this.#contentBytes === 0)) {
        this.#onContentEnd()
      }
      if (this.#state !== 'trailer-length' && this.#state !== 'padding') throw truncated()
      this.#state = 'finished'
      events.push({ type: 'end', trailers: this.#trailers })
      return events
    })
  }

  #guard(run: () => BhttpEvent<Head>[]): BhttpEvent<Head>[] {
    if (this.#state === 'failed' || this.#state === 'finished') throw malformed('data after the end')
    try {
      return run()
    } catch (error) {
      this.#state = 'failed'
      this.#reader.clear()
      throw error
    }
  }

  /** Does one step; false when more input is needed. */
  #step(events: BhttpEvent<Head>[]): boolean {
    switch (this.#state) {
      case 'framing':
        return this.#readFraming()
      case 'control':
        return this.#readControl()
      case 'header-length':
        return this.#readSectionLength('header')
      case 'header': {
        const fields = this.#section!.advance()
        if (fields !== undefined) this.#onHeader(fields, events)
        return fields !== undefined
      }
      case 'content-length':
        return this.#readContentLength()
      case 'content':
        return this.#readContent(events)
      case 'trailer-length':
        return this.#readSectionLength('trailer')
      case 'trailer': {
        const fields = this.#section!.advance()
        if (fields === undefined) return false
        this.#trailers = fields
        this.#state = 'padding'
        return true
      }
      default:
        return this.#readPadding()
    }
  }

  #readFraming(): boolean {
    const indicator = this.#reader.varint()
    if (indicator === undefined) return false
    // Section 3.3: 0 and 2 are requests, 1 and 3 responses; 2 and 3 have indeterminate length.
    const expected = this.#isRequest ? 0 : 1
    if (indicator !== expected && indicator !== expected + 2) throw malformed('framing indicator')
    this.#isKnownLength = indicator === expected
    this.#state = 'control'
    return true
  }

  #readControl(): boolean {
    this.#control = this.#controlParser.advance()
    if (this.#control === undefined) return false
    this.#state = 'header-length'
    return true
  }

  #readSectionLength(state: 'header' | 'trailer'): boolean {
    let length: number | undefined
    if (this.#isKnownLength) {
      length = this.#reader.varint()
      if (length === undefined) return false
      const max = this.#limits.maxFieldSectionBytes
      if (length > max) throw tooLarge('maxFieldSectionBytes', max)
    } else if (this.#reader.available === 0) {
      // Nothing of the section has arrived, so it may yet turn out to be left out.
      return false
    }
    this.#section = new FieldSectionParser(this.#reader, this.#limits, length)
    this.#state = state
    return true
  }

  #onHeader(fields: readonly BhttpField[], events: BhttpEvent<Head>[]): void {
    const head = { ...this.#control!, fields }
    if (!this.#isFinal()) {
      if (++this.#informational > this.#limits.maxInformational) {
        throw tooLarge('maxInformational', this.#limits.maxInformational)
      }
      events.push({ type: 'informational', head: head as BhttpResponseHead })
      this.#controlParser = new ControlDataParser(this.#reader, this.#limits, this.#isRequest)
      this.#state = 'control'
      return
    }
    if (this.#isRequest) this.#declaredLength = contentLength(fields)
    events.push({ type: 'head', head: head as Head })
    this.#state = 'content-length'
  }

  #isFinal(): boolean {
    return this.#isRequest || (this.#control as BhttpResponseHead).status >= 200
  }

  #readContentLength(): boolean {
    const length = this.#reader.varint()
    if (length === undefined) return false
    if (length > this.#limits.maxContentBytes - this.#contentBytes) {
      throw tooLarge('maxContentBytes', this.#limits.maxContentBytes)
    }
    this.#contentRemaining = length
    this.#contentBytes += length
    if (length > 0) this.#state = 'content'
    else this.#onContentEnd()
    return true
  }

  #readContent(events: BhttpEvent<Head>[]): boolean {
    const bytes = this.#reader.takeSome(this.#contentRemaining)
    if (bytes.length === 0) return false
    this.#contentRemaining -= bytes.length
    events.push({ type: 'content', bytes })
    if (this.#contentRemaining === 0) {
      if (this.#isKnownLength) this.#onContentEnd()
      else this.#state = 'content-length'
    }
    return true
  }

  #onContentEnd(): void {
    if (this.#declaredLength !== undefined && this.#declaredLength !== this.#contentBytes) {
      throw malformed('content-length differs from the content')
    }
    this.#state = 'trailer-length'
  }

  #readPadding(): boolean {
    const bytes = this.#reader.takeSome(Infinity)
    if (bytes.some((byte) => byte !== 0)) throw malformed('padding is not zero')
    this.#padding += bytes.length
    const max = this.#limits.maxPaddingBytes
    if (this.#padding > max) throw tooLarge('maxPaddingBytes', max)
    return false
  }
}

/** Push parser of one message. */
export interface BhttpMessageParser<Head> {
  /** Events of the next piece of input. @throws `BHTTP_MALFORMED`, `BHTTP_TOO_LARGE` */
  push(piece: Uint8Array): BhttpEvent<Head>[]
  /** Events of the end of input; the last one is `end`. @throws `BHTTP_TRUNCATED`, `BHTTP_MALFORMED` */
  finish(): BhttpEvent<Head>[]
}

/** Starts parsing a request. Limits that are left out have their default. */
export function parseRequest(limits: Partial<BhttpLimits> = {}): BhttpMessageParser<BhttpRequestHead> {
  return new BhttpParser(true, limits)
}

/** Starts parsing a response. Limits that are left out have their default. */
export function parseResponse(limits: Partial<BhttpLimits> = {}): BhttpMessageParser<BhttpResponseHead> {
  return new BhttpParser(false, limits)
}
