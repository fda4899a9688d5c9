import type { Sotto } from '@sotto/client'
import { type LiveEvent, type LiveOptions, transcribeLive } from '@sotto/client/live'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import type { CommandContext } from '../framework/index.ts'
import { accepted } from '../service/index.ts'

/** A recording that goes out as it is made, in as many exchanges as it is long. */
export interface SpokenTranscription {
  /** As the API has them. To be read before the receipts. @throws as `callService` */
  readonly events: AsyncIterable<Record<string, unknown>>
  /** One for each exchange. */
  receipts(this: void): Promise<SavedReceipt[]>
}

/** `sotto transcribe --live` */
export function transcribeWhileSpoken(
  context: CommandContext,
  sotto: Sotto,
  audio: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  options: LiveOptions,
): SpokenTranscription {
  const { signal = context.signal } = options
  const service = {
    baseURL: sotto.baseURL,
    receiptOf: (response: Response) => sotto.receiptOf(response),
    // Refused in the words of every command, with the models there are.
    fetchLive: async (address: RequestInfo | URL, init?: RequestInit) =>
      accepted(sotto, await sotto.fetchLive(address, init), signal),
  }
  const live = transcribeLive(service, audio, { ...options, signal })
  return { events: eventsOfApi(live), receipts: () => live.receipts() }
}

async function* eventsOfApi(live: AsyncIterable<LiveEvent>): AsyncGenerator<Record<string, unknown>> {
  for await (const event of live) {
    const type = `transcript.text.${event.type}`
    yield event.type === 'delta' ? { type, delta: event.text } : { ...event, type }
  }
}
