import { concat, fromHex, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { encodeFrame, FrameReader, MessageReader, OPCODE, readHandshake } from '@sotto/serve/websocket'
import { parser, type Target } from './target.ts'

const MAX_BYTES = 65_536

/** What a relay receives of a WebSocket. */
export const socketTargets: readonly Target[] = [
  parser('websocket frames', frames, (bytes) => {
    const reader = new FrameReader({ from: 'client', maxPayloadBytes: MAX_BYTES })
    const messages = new MessageReader(MAX_BYTES)
    for (const frame of reader.push(bytes)) messages.take(frame)
  }),
  parser('websocket handshake', handshakes, (bytes) => {
    const headers = new Headers()
    for (const line of fromUtf8(bytes).split('\n')) {
      const [name = '', ...value] = line.split(':')
      try {
        headers.append(name, value.join(':'))
      } catch {
        // The HTTP parser before ours lets no such header through.
      }
    }
    readHandshake({ method: 'GET', headers })
  }),
]

function frames(): Uint8Array[] {
  const mask = fromHex('37fa213d')
  const frame = (opcode: number, payload: Uint8Array, isFinal = true): Uint8Array =>
    encodeFrame({ isFinal, opcode, payload }, mask)
  return [
    concat(
      frame(OPCODE.text, utf8('Hel'), false),
      frame(OPCODE.ping, utf8('Hello')),
      frame(OPCODE.continuation, utf8('lo')),
    ),
    concat(
      frame(OPCODE.binary, new Uint8Array(300)),
      frame(OPCODE.close, concat(fromHex('03e8'), utf8('bye'))),
    ),
    frame(OPCODE.binary, new Uint8Array(65_536)),
  ]
}

function handshakes(): Uint8Array[] {
  return [
    utf8(
      'upgrade:websocket\nconnection:keep-alive, Upgrade\nsec-websocket-version:13\nsec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==\nsec-websocket-protocol:sotto-ohttp, other',
    ),
  ]
}
