import { readServerSentEvents, type Sotto } from '@sotto/client'
import type { EngineProcess } from '../../packages/enclave/src/engines/index.ts'

/** One streamed answer. All in milliseconds; *on its way* is everything but the engine's own work. */
export interface ChatRun {
  /** From the call to the first token. */
  firstMs: number
  /** The same without the engine: request to the engine, and first token back. */
  firstOnWayMs: number
  /** The first half of that: from the call to the engine. */
  requestMs: number
  /** From an event's emission by the engine to its arrival, for each after the first. */
  eventsMs: number[]
  /** From the call to the end of the answer. */
  totalMs: number
  /** The same without the engine: request to the engine, and from its last event to the end. */
  onWayMs: number
}

const MESSAGES = [{ role: 'user', content: 'Tell me a story about a ship that came home.' }] as const
const SEED = 7

/** Streams an answer from an engine of this process. */
export async function chatDirect(engine: EngineProcess, maxTokens: number): Promise<ChatRun> {
  const clock = new ChatClock()
  const request = { messages: MESSAGES, maxTokens, sampling: { temperature: 1, seed: SEED } }
  for await (const event of engine.generate(request)) if (event.type === 'delta') clock.arrived(event.text)
  return clock.finish()
}

/** Streams the same answer through relay and gateway. */
export async function chatThrough(sotto: Sotto, model: string, maxTokens: number): Promise<ChatRun> {
  const clock = new ChatClock()
  const response = await sotto.fetch(`${sotto.baseURL}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      messages: MESSAGES,
      max_tokens: maxTokens,
      temperature: 1,
      seed: SEED,
      stream: true,
    }),
  })
  if (!response.ok) throw new Error(`the service answered ${response.status}: ${await response.text()}`)
  for await (const data of readServerSentEvents(response.body!)) {
    if (data === '[DONE]') continue
    const { choices } = JSON.parse(data) as { choices: { delta?: { content?: string } }[] }
    clock.arrived(choices[0]?.delta?.content ?? '')
  }
  return clock.finish()
}

/** Compares the stamps in the text with the time they arrive at. */
class ChatClock {
  readonly #started = process.hrtime.bigint()
  readonly #eventsMs: number[] = []
  #entered = 0n
  #emitted = 0n
  #firstMs = 0
  #firstOnWayMs = 0

  arrived(text: string): void {
    const now = process.hrtime.bigint()
    const stamps = text.split('@').filter(Boolean).map(BigInt)
    if (this.#entered === 0n && stamps.length > 1) {
      this.#entered = stamps.shift()!
      this.#emitted = stamps[0]!
      this.#firstMs = ms(now - this.#started)
      this.#firstOnWayMs = ms(this.#entered - this.#started + now - this.#emitted)
      stamps.shift()
    }
    for (const stamp of stamps) {
      this.#emitted = stamp
      this.#eventsMs.push(ms(now - stamp))
    }
  }

  finish(): ChatRun {
    if (this.#entered === 0n || this.#eventsMs.length === 0) throw new Error('the answer carried no stamps')
    const now = process.hrtime.bigint()
    return {
      firstMs: this.#firstMs,
      firstOnWayMs: this.#firstOnWayMs,
      requestMs: ms(this.#entered - this.#started),
      eventsMs: this.#eventsMs,
      totalMs: ms(now - this.#started),
      onWayMs: ms(this.#entered - this.#started + now - this.#emitted),
    }
  }
}

function ms(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6
}
