import { getEventListeners } from 'node:events'
import { Duplex } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, it } from 'vitest'
import { encodeFrame, OPCODE, WebSocketConnection } from '../../src/websocket/index.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const MASK = new Uint8Array([1, 2, 3, 4])
const MESSAGE_BYTES = 65_536
const LIMITS = { maxMessageBytes: MESSAGE_BYTES, writeStallMs: 60_000, pingMs: 60_000 }
const MIB = 2 ** 20

/** A socket that a test has in its hands: what is written waits until it is taken. */
class HandSocket extends Duplex {
  readonly #taken: (() => void)[] = []
  isTaking = true
  constructor() {
    super({ writableHighWaterMark: 1 })
  }
  override _read(): void {}
  override _write(_bytes: Uint8Array, _encoding: string, done: () => void): void {
    if (this.isTaking) done()
    else this.#taken.push(done)
  }
  /** Takes what waits. */
  letThrough(): void {
    for (const done of this.#taken.splice(0)) done()
  }
}

const sockets: HandSocket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})
function open(): { socket: HandSocket; connection: WebSocketConnection } {
  const socket = new HandSocket()
  sockets.push(socket)
  return { socket, connection: new WebSocketConnection(socket, LIMITS) }
}

const message = (): Uint8Array =>
  encodeFrame({ isFinal: true, opcode: OPCODE.binary, payload: new Uint8Array(MESSAGE_BYTES) }, MASK)
/** A frame with a reserved bit. */
const broken = (): Uint8Array => {
  const frame = message()
  frame[0]! |= 0x40
  return frame
}
function heldBytes(): number {
  collect()
  return process.memoryUsage().arrayBuffers
}
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('a connection that failed lets go of what nobody had asked for', async () => {
  await tick()
  const before = heldBytes()
  const { socket, connection } = open()
  // In one piece: what is there at once is taken apart at once, whoever reads.
  socket.emit('data', Buffer.concat(Array.from({ length: 128 }, message)))
  expect(heldBytes() - before).toBeGreaterThan(7 * MIB)
  socket.emit('data', broken())
  // Not at once: what this stack still refers to is collected in a later turn.
  await expect.poll(() => heldBytes() - before).toBeLessThan(MIB)
  await expect(connection.receive()).rejects.toMatchObject({ code: 'WEBSOCKET_INVALID' })
})

it('nor does it take in anything more, however much comes', async () => {
  const { socket, connection } = open()
  // Frames are sound; it is no message that they are of.
  socket.emit(
    'data',
    encodeFrame({ isFinal: true, opcode: OPCODE.continuation, payload: new Uint8Array(1) }, MASK),
  )
  await tick()
  const before = heldBytes()
  for (let i = 0; i < 128; i++) socket.emit('data', message())
  // The middle of a message that never ends.
  socket.emit(
    'data',
    encodeFrame({ isFinal: false, opcode: OPCODE.binary, payload: new Uint8Array(MESSAGE_BYTES) }, MASK),
  )
  // Not at once: what this stack still refers to is collected in a later turn.
  await expect.poll(() => heldBytes() - before).toBeLessThan(MIB)
  await expect(connection.receive()).rejects.toMatchObject({ code: 'WEBSOCKET_INVALID' })
})

it('a connection that often has to wait for its client gathers no listeners', async () => {
  const { socket, connection } = open()
  const listeners = (): number[] => [
    getEventListeners(connection.gone, 'abort').length,
    socket.listenerCount('drain'),
    socket.listenerCount('close'),
    socket.listenerCount('error'),
  ]
  const before = listeners()
  for (let i = 0; i < 50; i++) {
    socket.isTaking = false
    const sending = connection.send(new Uint8Array(10))
    expect(listeners()[0]).toBeLessThanOrEqual(before[0]! + 1)
    expect(listeners()[1]).toBeLessThanOrEqual(before[1]! + 1)
    socket.isTaking = true
    socket.letThrough()
    await sending
  }
  expect(listeners()).toEqual(before)
})

it('nor one that often waits for messages', async () => {
  const { socket, connection } = open()
  const before = getEventListeners(connection.gone, 'abort').length
  for (let i = 0; i < 50; i++) {
    const receiving = connection.receive()
    socket.emit('data', message())
    expect(await receiving).toMatchObject({ type: 'binary' })
  }
  expect(getEventListeners(connection.gone, 'abort')).toHaveLength(before)
})
