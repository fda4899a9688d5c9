import { readServerSentEvents, type Sotto } from '@sotto/client'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import type { DemoInputs } from './inputs.ts'
import { cliError } from '../errors.ts'

/** An answer with the receipt that came with it, already verified. */
export interface Answered<T> {
  value: T
  receipt: SavedReceipt
  ms: number
}

/** Headers a careless program sends along; the demo shows that none of them arrives anywhere. */
export interface ClientHeaders {
  authorization: string
  'user-agent': string
}

/** The three jobs of the demo, through a verified connection. */
export class DemoTasks {
  readonly #sotto: Sotto
  readonly #headers: ClientHeaders
  readonly #signal: AbortSignal

  constructor(sotto: Sotto, headers: ClientHeaders, signal: AbortSignal) {
    this.#sotto = sotto
    this.#headers = headers
    this.#signal = signal
  }

  async transcribe({ recording }: DemoInputs): Promise<Answered<string>> {
    const form = new FormData()
    form.append('file', new Blob([recording as Uint8Array<ArrayBuffer>]), 'recording.wav')
    return this.#post(
      '/audio/transcriptions',
      form,
      {},
      async (response) => ((await response.json()) as { text: string }).text,
    )
  }

  async summarize({ letter }: DemoInputs): Promise<Answered<string>> {
    const body = JSON.stringify({ input: letter, max_sentences: 3 })
    return this.#post(
      '/summaries',
      body,
      { 'content-type': 'application/json' },
      async (response) => ((await response.json()) as { summary: string }).summary,
    )
  }

  /** Streams; `onToken` sees each piece as it arrives. */
  async chat({ messages }: DemoInputs, onToken: (text: string) => void): Promise<Answered<string>> {
    const body = JSON.stringify({ messages, stream: true, max_tokens: 80, temperature: 0 })
    return this.#post('/chat/completions', body, { 'content-type': 'application/json' }, async (response) => {
      let text = ''
      for await (const data of readServerSentEvents(response.body!)) {
        if (data === '[DONE]') break
        const piece =
          (JSON.parse(data) as { choices: { delta?: { content?: string } }[] }).choices[0]?.delta?.content ??
          ''
        text += piece
        onToken(piece)
      }
      return text
    })
  }

  async #post<T>(
    path: string,
    body: BodyInit,
    headers: Record<string, string>,
    read: (response: Response) => Promise<T>,
  ): Promise<Answered<T>> {
    const started = performance.now()
    const response = await this.#sotto.fetch(this.#sotto.baseURL + path, {
      method: 'POST',
      headers: { ...this.#headers, ...headers },
      body,
      signal: this.#signal,
    })
    if (!response.ok) {
      const { error } = (await response.json()) as { error?: { code?: string; message?: string } }
      throw cliError('DEMO_FAILED', `${path}: ${error?.message ?? `status ${response.status}`}`, {
        found: error?.code ?? String(response.status),
      })
    }
    const value = await read(response)
    return { value, receipt: await this.#sotto.receiptOf(response), ms: performance.now() - started }
  }
}
