import type { Token } from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import type { TextEvent, TokenLogprob } from '../types.ts'
import type { Constraint } from './constraint.ts'
import { tokenText } from './logprobs.ts'
import { StopFilter } from './stop-filter.ts'
import { TokenText } from './token-text.ts'
import { type AnswerPart, ToolParser } from './tools/tool-parser.ts'
import type { Words } from './words.ts'

/** The growing answer: tokens to text and calls, stop strings, and what belongs to the next delta. */
export class Answer {
  readonly tokens: Token[] = []
  stopped = false
  /** Text of a token that would come next. */
  readonly textOf: (token: number) => string
  private hitLimit = false
  private readonly text: TokenText
  private readonly filter: StopFilter
  private readonly parser: ToolParser | undefined
  private readonly isJson: boolean
  /** What must parse in the end: the text where it is JSON, and the arguments of each call. */
  private readonly json: string[] = []
  private logprobs: TokenLogprob[] = []
  private total = 0
  private counted = 0

  constructor(
    { model }: Pick<Words, 'model'>,
    prompt: readonly Token[],
    { stops, syntax, isJson }: Constraint,
  ) {
    this.textOf = (token) => tokenText(model, token, this.tokens.length > 0 ? this.tokens : prompt)
    this.text = new TokenText(
      // A call may begin with a special token of the model; elsewhere those are no text.
      (tokens, before) => model.detokenize(tokens as Token[], syntax !== undefined, before as Token[]),
      prompt,
    )
    this.filter = new StopFilter(stops)
    this.parser = syntax && new ToolParser(syntax)
    this.isJson = isJson
  }

  get finishReason(): 'stop' | 'length' | 'tool-calls' {
    if (this.hitLimit && !this.stopped) return 'length'
    return this.parser !== undefined && this.parser.count > 0 ? 'tool-calls' : 'stop'
  }

  /** Says that the limit ended the answer. */
  reachLimit(): void {
    this.hitLimit = true
  }

  push(token: Token, logprob: TokenLogprob | undefined): TextEvent[] {
    this.tokens.push(token)
    return this.pushPiece(this.text.push(token), 1, logprob)
  }

  /** The next text of whoever turns tokens into text itself, and how many tokens it stands for. */
  pushPiece(piece: string, tokens: number, logprob: TokenLogprob | undefined): TextEvent[] {
    this.total += tokens
    if (logprob) this.logprobs.push(logprob)
    if (piece === '') return []
    return this.partsOf(piece).flatMap((part) => this.event(part))
  }

  /** What was held back. @throws `ENGINE_FAILED` for an answer that had to be JSON, was not cut, and is none */
  flush(): TextEvent[] {
    if (this.stopped) return []
    const rest = this.text.flush()
    const parts = [...(rest === '' ? [] : this.partsOf(rest)), ...(this.parser?.flush() ?? [])]
    const events = parts.flatMap((part) => this.event(part))
    if (!this.stopped) {
      const last = this.delta(this.filter.flush(), false)
      if (last) events.push(last)
    }
    if (!this.hitLimit) this.requireJson()
    return events
  }

  private partsOf(piece: string): AnswerPart[] {
    return this.parser ? this.parser.push(piece) : [{ type: 'text', text: piece }]
  }

  private event(part: AnswerPart): TextEvent[] {
    if (this.stopped) return []
    if (part.type === 'tool-call') return this.call(part)
    const { text, stopped } = this.filter.push(part.text)
    this.stopped = stopped
    // Tokens of a held-back piece stay with it: if it becomes a stop string, they are not reported.
    if (!stopped && this.filter.isHolding)
      return text === '' ? [] : [this.written({ type: 'delta', text, tokens: 0 })]
    const delta = this.delta(text, stopped)
    return delta ? [delta] : []
  }

  /** Text ends where a call begins, so nothing is held back any longer. Log-probabilities are those of text. */
  private call(part: Extract<AnswerPart, { type: 'tool-call' }>): TextEvent[] {
    const held = this.filter.flush()
    this.logprobs = []
    this.counted = this.total
    this.json[part.index + 1] = (this.json[part.index + 1] ?? '') + part.arguments
    return held === '' ? [part] : [this.written({ type: 'delta', text: held, tokens: 0 }), part]
  }

  private delta(text: string, stopped: boolean): TextEvent | undefined {
    const tokens = this.total - this.counted
    const { logprobs } = this
    this.counted = this.total
    this.logprobs = []
    if (text === '' && (stopped || tokens === 0)) return undefined
    return this.written({ type: 'delta', text, tokens, ...(logprobs.length > 0 ? { logprobs } : {}) })
  }

  private written(delta: Extract<TextEvent, { type: 'delta' }>): TextEvent {
    if (this.isJson && delta.text !== '') this.json[0] = (this.json[0] ?? '') + delta.text
    return delta
  }

  /** The grammar counts characters where the text has bytes; where a model writes bytes that are none, they differ. */
  private requireJson(): void {
    for (const text of this.json.filter((one) => one !== undefined)) {
      try {
        JSON.parse(text)
      } catch {
        throw engineError('ENGINE_FAILED', 'the model wrote bytes that are no text into a JSON answer', {
          hint: 'try again with another seed',
        })
      }
    }
  }
}
