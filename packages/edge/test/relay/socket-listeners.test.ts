import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import type { WebSocketConnection } from '@sotto/serve/websocket'
import { socketRequest, writeAnswer } from '../../src/relay/socket-messages.ts'

const PACE = { idleMs: 10_000, minBytesPerSecond: 0, graceMs: 10_000 }
const PIECE_BYTES = 65_536

it('a long answer over one connection gathers no listeners, however often its reader makes it wait', async () => {
  const gone = new AbortController()
  let sent = 0
  let read = 0
  let wake: () => void = () => {}
  const connection = {
    gone: gone.signal,
    async send(data: Uint8Array | string) {
      sent += data.length
      wake()
    },
    // A reader that takes one piece at a time, once the relay waits for it.
    async receive() {
      while (sent - read < PIECE_BYTES) await new Promise<void>((resolve) => (wake = resolve))
      await new Promise((resolve) => setImmediate(resolve))
      read += PIECE_BYTES
      return { type: 'text', text: `read ${read}` }
    },
  } as unknown as WebSocketConnection
  const client = socketRequest(connection, { sending: PACE, reading: PACE })
  // The request is not wanted any more: from here on only what was read is listened for.
  await client.body.cancel()
  let pieces = 0
  const counts = new Set<number>()
  const answer = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        counts.add(getEventListeners(gone.signal, 'abort').length)
        if (++pieces > 200) controller.close()
        else controller.enqueue(new Uint8Array(PIECE_BYTES))
      },
    },
    { highWaterMark: 0 },
  )
  await writeAnswer(answer, connection, client)
  expect([...counts]).toEqual([1])
  gone.abort()
})
