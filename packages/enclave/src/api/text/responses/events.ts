import type { TextEvent, TokenLogprob } from '../../../engines/types.ts'
import { logprobEntry } from '../dialects.ts'
import { callItem, messageItem, responseObject, type ResponseHead, type Status, textPart } from './object.ts'

/** Makes ids of one kind, like `msg_`. */
export type NewId = (prefix: string) => string

interface OpenMessage {
  readonly kind: 'message'
  readonly id: string
  text: string
  readonly logprobs: TokenLogprob[]
}

interface OpenCall {
  readonly kind: 'call'
  readonly id: string
  readonly callId: string
  readonly name: string
  arguments: string
}

/** Events of a stream, numbered; the last one holds the whole response. */
export class ResponseEvents {
  private readonly head: ResponseHead
  private readonly newId: NewId
  private readonly output: object[] = []
  private open: OpenMessage | OpenCall | undefined
  private sequence = 0

  constructor(head: ResponseHead, newId: NewId) {
    this.head = head
    this.newId = newId
  }

  /** What comes before the first word. */
  begin(): object[] {
    const response = responseObject(this.head, 'in_progress', [], undefined)
    return [this.event('response.created', { response }), this.event('response.in_progress', { response })]
  }

  /** What one event of the engine becomes. */
  next(event: TextEvent): object[] {
    if (event.type === 'delta') return this.text(event.text, event.logprobs ?? [])
    if (event.type === 'tool-call') return this.call(event)
    const status: Status = event.finishReason === 'length' ? 'incomplete' : 'completed'
    // An answer without a word is an empty message, as long as nothing is called.
    const empty = this.open === undefined && this.output.length === 0 ? this.text('', []) : []
    const closed = this.close(status)
    const response = responseObject(this.head, status, this.output, event.usage)
    return [...empty, ...closed, this.event(`response.${status}`, { response })]
  }

  private text(text: string, logprobs: readonly TokenLogprob[]): object[] {
    const opened = this.open?.kind === 'message' ? [] : [...this.close('completed'), ...this.openMessage()]
    const message = this.open as OpenMessage
    message.text += text
    message.logprobs.push(...logprobs)
    if (text === '') return opened
    const delta = { delta: text, logprobs: logprobs.map((token) => logprobEntry(token)) }
    return [
      ...opened,
      this.event('response.output_text.delta', { ...this.place(), content_index: 0, ...delta }),
    ]
  }

  private openMessage(): object[] {
    const id = this.newId('msg_')
    this.open = { kind: 'message', id, text: '', logprobs: [] }
    const item = messageItem(id, 'in_progress', [])
    const part = { ...this.place(), content_index: 0, part: textPart('', []) }
    return [this.added(item), this.event('response.content_part.added', part)]
  }

  private call(event: Extract<TextEvent, { type: 'tool-call' }>): object[] {
    const events: object[] = []
    if (event.name !== undefined) {
      events.push(...this.close('completed'))
      this.open = {
        kind: 'call',
        id: this.newId('fc_'),
        callId: this.newId('call_'),
        name: event.name,
        arguments: '',
      }
      events.push(this.added(callItem(this.open.id, 'in_progress', this.open)))
    }
    if (event.arguments === '') return events
    ;(this.open as OpenCall).arguments += event.arguments
    const delta = { ...this.place(), delta: event.arguments }
    return [...events, this.event('response.function_call_arguments.delta', delta)]
  }

  /** Ends the item that is open, if one is. */
  private close(status: Status): object[] {
    const { open } = this
    if (open === undefined) return []
    const events: object[] = []
    let item: object
    if (open.kind === 'message') {
      const part = textPart(open.text, open.logprobs)
      const logprobs = open.logprobs.map((token) => logprobEntry(token))
      const place = { ...this.place(), content_index: 0 }
      events.push(this.event('response.output_text.done', { ...place, text: open.text, logprobs }))
      events.push(this.event('response.content_part.done', { ...place, part }))
      item = messageItem(open.id, status, [part])
    } else {
      const done = { ...this.place(), name: open.name, arguments: open.arguments }
      events.push(this.event('response.function_call_arguments.done', done))
      item = callItem(open.id, status, open)
    }
    events.push(this.event('response.output_item.done', { output_index: this.output.length, item }))
    this.output.push(item)
    this.open = undefined
    return events
  }

  private added(item: object): object {
    return this.event('response.output_item.added', { output_index: this.output.length, item })
  }

  private place(): object {
    return { item_id: this.open?.id, output_index: this.output.length }
  }

  private event(type: string, fields: object): object {
    return { type, sequence_number: this.sequence++, ...fields }
  }
}
