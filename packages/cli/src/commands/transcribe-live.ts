import type { Sotto } from '@sotto/client'
import { type LiveEvent, type LiveOptions, transcribeLive } from '@sotto/client/live'
import type { SavedReceipt } from '@sotto/protocol/receipts'
import type { CommandContext } from '../framework/index.ts'
import type { Input } from '../input/index.ts'
import { accepted, keepReceipts } from '../service/index.ts'
import { printable } from '../terminal/index.ts'

/**
 * `sotto transcribe --live`: the recording goes out as it is made, in as many exchanges as it is long, and its text is
 * printed meanwhile; with `--json` one event a line, as the API has them.
 * @returns the receipts, one for each exchange
 * @throws as `callService` and `keepReceipts`
 */
export async function transcribeWhileSpoken(
  context: CommandContext,
  sotto: Sotto,
  input: Input,
  options: LiveOptions,
  receiptFile: string | undefined,
): Promise<SavedReceipt[]> {
  const { stdout } = context.io
  const service = {
    baseURL: sotto.baseURL,
    receiptOf: (response: Response) => sotto.receiptOf(response),
    // Refused in the words of every command, with the models there are.
    fetchLive: async (address: RequestInfo | URL, init?: RequestInit) =>
      accepted(sotto, await sotto.fetchLive(address, init), context.signal),
  }
  const live = transcribeLive(service, input.stream(), { ...options, signal: context.signal })
  let last = ''
  for await (const event of live) {
    if (context.global.json) await stdout.write(`${JSON.stringify(eventOfApi(event))}\n`)
    else if (event.type === 'delta') {
      await stdout.write(stdout.isTerminal ? printable(event.text) : event.text)
      last = event.text
    }
  }
  if (!context.global.json && !last.endsWith('\n')) await stdout.write('\n')
  return keepReceipts(context, () => live.receipts(), receiptFile)
}

function eventOfApi(event: LiveEvent): Record<string, unknown> {
  const type = `transcript.text.${event.type}`
  return event.type === 'delta' ? { type, delta: event.text } : { ...event, type }
}
