import type { ToolSyntax } from './syntax.ts'

/** What a stretch of an answer is. */
export type AnswerPart =
  | { readonly type: 'text'; readonly text: string }
  /** `name` with the first part of a call. */
  | {
      readonly type: 'tool-call'
      readonly index: number
      readonly name?: string
      readonly arguments: string
    }

/**
 * Parts an answer into text and calls while it grows. The grammar of the answer has forced its form: what is read here
 * is cut where the tokens cut it, but it is never malformed.
 */
export class ToolParser {
  private readonly syntax: ToolSyntax
  private state: 'text' | 'name' | 'arguments' | 'after' = 'text'
  private held = ''
  private calls = 0
  private depth = 0
  private inString = false
  private isEscaped = false

  constructor(syntax: ToolSyntax) {
    this.syntax = syntax
  }

  /** Calls that have begun. */
  get count(): number {
    return this.calls
  }

  /** Takes the next piece of the answer. */
  push(piece: string): AnswerPart[] {
    this.held += piece
    const parts: AnswerPart[] = []
    while (this.step(parts));
    return parts
  }

  /** What was held back, at the end of the answer. */
  flush(): AnswerPart[] {
    const { held, state } = this
    this.held = ''
    return state === 'text' && held !== '' ? [{ type: 'text', text: held }] : []
  }

  /** Whether there may be more to read in what is held. */
  private step(parts: AnswerPart[]): boolean {
    switch (this.state) {
      case 'text':
        return this.text(parts)
      case 'name':
        return this.name(parts)
      case 'arguments':
        return this.arguments(parts)
      case 'after':
        return this.after()
    }
  }

  private text(parts: AnswerPart[]): boolean {
    const opening = this.syntax.begin + this.syntax.open
    const at = this.held.indexOf(opening)
    const keep = at >= 0 ? at : this.held.length - overlap(this.held, opening)
    if (keep > 0) parts.push({ type: 'text', text: this.held.slice(0, keep) })
    this.held = this.held.slice(at >= 0 ? at + opening.length : keep)
    if (at >= 0) this.state = 'name'
    return at >= 0
  }

  private name(parts: AnswerPart[]): boolean {
    const at = this.held.indexOf(this.syntax.middle)
    if (at < 0) return false
    parts.push({ type: 'tool-call', index: this.calls++, name: this.held.slice(0, at), arguments: '' })
    this.held = this.held.slice(at + this.syntax.middle.length)
    this.state = 'arguments'
    return this.held !== ''
  }

  private arguments(parts: AnswerPart[]): boolean {
    if (this.held === '') return false
    let end = 0
    do this.read(this.held[end]!)
    while (++end < this.held.length && this.depth > 0)
    parts.push({ type: 'tool-call', index: this.calls - 1, arguments: this.held.slice(0, end) })
    this.held = this.held.slice(end)
    if (this.depth === 0) this.state = 'after'
    return this.depth === 0
  }

  /** Follows one character of the arguments' JSON. */
  private read(character: string): void {
    if (this.isEscaped) this.isEscaped = false
    else if (this.inString && character === '\\') this.isEscaped = true
    else if (character === '"') this.inString = !this.inString
    else if (!this.inString && '{['.includes(character)) this.depth++
    else if (!this.inString && '}]'.includes(character)) this.depth--
  }

  private after(): boolean {
    const next = this.syntax.close + this.syntax.between + this.syntax.open
    if (!this.held.startsWith(next)) return false
    this.held = this.held.slice(next.length)
    this.state = 'name'
    return true
  }
}

/** Length of the longest end of `text` that begins `opening`. */
function overlap(text: string, opening: string): number {
  for (let length = Math.min(text.length, opening.length - 1); length > 0; length--)
    if (text.endsWith(opening.slice(0, length))) return length
  return 0
}
