import { ApiError } from '../openai/errors.ts'

/** Where a value stands in the text, for a second look at it. */
export interface Span {
  readonly start: number
  readonly end: number
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * A strict JSON reader (RFC 8259) that goes from value to value and leaves numbers as they are written: `JSON.parse`
 * would round integers beyond 2^53 before anybody could see them. Members that stand twice are refused. It never
 * recurses by itself, so the depth is that of its caller.
 */
export class JsonReader {
  readonly text: string
  /** Index of the next character. */
  at: number

  constructor(text: string, at = 0) {
    this.text = text
    this.at = at
  }

  /** The next character that is no white space; it is not consumed. NaN at the end. */
  peek(): number {
    const { text } = this
    for (;;) {
      const code = text.charCodeAt(this.at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code
      this.at++
    }
  }

  /** Reads an object; `read` takes each value, called with its name. */
  object(read: (name: string) => void): void {
    this.take(OPEN_OBJECT)
    const names = new Set<string>()
    if (this.takeIf(CLOSE_OBJECT)) return
    do {
      const name = this.string()
      if (names.has(name)) throw malformed('an object has a member twice')
      names.add(name)
      this.take(COLON)
      read(name)
    } while (this.takeIf(COMMA))
    this.take(CLOSE_OBJECT)
  }

  /** Reads an array; `read` takes each element. */
  array(read: (index: number) => void): void {
    this.take(OPEN_ARRAY)
    if (this.takeIf(CLOSE_ARRAY)) return
    let index = 0
    do read(index++)
    while (this.takeIf(COMMA))
    this.take(CLOSE_ARRAY)
  }

  /** Reads a string. */
  string(): string {
    this.take(QUOTE)
    const start = this.at
    const end = this.closingQuote()
    this.at = end + 1
    const inside = this.text.slice(start, end)
    try {
      // Escapes and the characters that need one are the platform's to judge.
      const value = JSON.parse(`"${inside}"`) as string
      if (value.isWellFormed()) return value
    } catch {
      // Said below, without the words of the parser: they quote the text.
    }
    throw malformed('a string is malformed')
  }

  /** Reads a number as it is written. */
  number(): string {
    this.peek()
    NUMBER.lastIndex = this.at
    const written = NUMBER.exec(this.text)?.[0]
    if (written === undefined) throw malformed('a number is expected')
    this.at += written.length
    return written
  }

  /** Reads `true` or `false`. */
  boolean(): boolean {
    this.peek()
    for (const [word, value] of [
      ['true', true],
      ['false', false],
    ] as const) {
      if (!this.text.startsWith(word, this.at)) continue
      this.at += word.length
      return value
    }
    throw malformed('true or false is expected')
  }

  /**
   * Goes past an array without looking at what is in it but for brackets and strings, at most `maxDepth` arrays deep.
   */
  skipArray(maxDepth: number): Span {
    if (this.peek() !== OPEN_ARRAY) throw malformed('an array is expected')
    const start = this.at
    let depth = 0
    for (;;) {
      MARKS.lastIndex = this.at
      const mark = MARKS.exec(this.text)
      if (mark === null) throw malformed('it ends inside an array')
      this.at = mark.index + 1
      if (mark[0] === '"') this.at = this.closingQuote() + 1
      else if (mark[0] === '[') {
        if (++depth > maxDepth) throw malformed('its arrays are nested too deeply')
      } else if (--depth === 0) return { start, end: this.at }
    }
  }

  /** After the last value. */
  end(): void {
    if (!Number.isNaN(this.peek())) throw malformed('something follows its end')
  }

  /** Consumes this character, after white space, if it is the next. */
  takeIf(code: number): boolean {
    if (this.peek() !== code) return false
    this.at++
    return true
  }

  private take(code: number): void {
    if (!this.takeIf(code)) throw malformed(`${String.fromCharCode(code)} is expected`)
  }

  private closingQuote(): number {
    for (let end = this.at; ; end++) {
      end = this.text.indexOf('"', end)
      if (end < 0) throw malformed('it ends inside a string')
      let slashes = end
      while (this.text.charCodeAt(slashes - 1) === BACKSLASH) slashes--
      if ((end - slashes) % 2 === 0) return end
    }
  }
}

const MARKS = /["[\]]/g
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** What is wrong with the text; never a piece of it. */
export function malformed(message: string): ApiError {
  return new ApiError('API_INVALID', `the request is not the JSON it must be: ${message}`)
}
