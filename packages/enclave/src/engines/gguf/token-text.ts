/** Turns tokens into text; `before` are the tokens that precede them, for the tokenizer's rules on spaces. */
export type Detokenize = (tokens: readonly number[], before: readonly number[]) => string

/** Tokens one character may be spread over: a UTF-8 character has at most 4 bytes. */
const MAX_PARTS = 4
const CONTEXT = 8

/** Text of a growing list of tokens, never ending inside a character. */
export class TokenText {
  private readonly detokenize: Detokenize
  private before: number[]
  private pending: number[] = []

  constructor(detokenize: Detokenize, prompt: readonly number[]) {
    this.detokenize = detokenize
    this.before = prompt.slice(-CONTEXT)
  }

  /** The text that is complete with this token; empty while a character is incomplete. */
  push(token: number): string {
    this.pending.push(token)
    const text = this.detokenize(this.pending, this.before)
    // Byte tokens that do not yet make a character decode to U+FFFD. A model may also never complete it.
    if (text.endsWith('\uFFFD') && this.pending.length < MAX_PARTS) return ''
    return this.accept(text)
  }

  /** What is left at the end, even if it is not a whole character. */
  flush(): string {
    return this.pending.length === 0 ? '' : this.accept(this.detokenize(this.pending, this.before))
  }

  private accept(text: string): string {
    this.before = [...this.before, ...this.pending].slice(-CONTEXT)
    this.pending = []
    return text
  }
}
