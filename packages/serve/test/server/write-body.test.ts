import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { writeBody } from '../../src/server/index.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const RECEIVER = { stallMs: 60_000, graceMs: 1000, minBytesPerSecond: 100 }

/** A connection whose other end takes what there is once it is let. */
function connection(): { socket: Socket; take: () => void } {
  let take = (): void => undefined
  const duplex = new Duplex({ read() {}, write: (_chunk, _encoding, taken) => void (take = taken) })
  const socket = Object.assign(duplex, { setTimeout: () => duplex })
  return { socket: socket as unknown as Socket, take: () => take() }
}

/** An answer of 200 bytes, sent as a whole: 3 s at this pace and with this grace. */
async function answer(): Promise<ServerResponse> {
  const outgoing = new ServerResponse(new IncomingMessage(new Socket()))
  const reader = new Response(new Uint8Array(200)).body!.getReader()
  await writeBody(reader, outgoing, {
    begin: (length) => void outgoing.writeHead(200, { 'content-length': length! }),
    receiver: RECEIVER,
  })
  return outgoing
}

it('an answer in line behind another one is held against nobody before its turn', async () => {
  const outgoing = await answer()
  vi.advanceTimersByTime(100_000)
  const { socket } = connection()
  outgoing.assignSocket(socket)
  vi.advanceTimersByTime(2999)
  expect(socket.destroyed).toBe(false)
  vi.advanceTimersByTime(1)
  expect(socket.destroyed).toBe(true)
})

it('an answer that was taken leaves no timer, and its connection whole', async () => {
  const outgoing = await answer()
  const { socket, take } = connection()
  outgoing.assignSocket(socket)
  expect(vi.getTimerCount()).toBe(1)
  take()
  // As the server does once an answer is out.
  outgoing.emit('close')
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(100_000)
  expect(socket.destroyed).toBe(false)
})
