import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { encodeFrame, type Frame, FrameReader, MessageReader, OPCODE } from '../../src/websocket/index.ts'
import { encodeClose, parseClose, parseText } from '../../src/websocket/frames.ts'

const read = (from: 'client' | 'server', hex: string, maxPayloadBytes = 1 << 20): Frame[] =>
  new FrameReader({ from, maxPayloadBytes }).push(fromHex(hex))

describe('the examples of RFC 6455 Section 5.7', () => {
  const HELLO = utf8('Hello')

  it('a single-frame unmasked text message', () => {
    expect(read('server', '810548656c6c6f')).toEqual([{ isFinal: true, opcode: OPCODE.text, payload: HELLO }])
    expect(toHex(encodeFrame({ isFinal: true, opcode: OPCODE.text, payload: HELLO }))).toBe('810548656c6c6f')
  })

  it('a single-frame masked text message', () => {
    expect(read('client', '818537fa213d7f9f4d5158')).toEqual([
      { isFinal: true, opcode: OPCODE.text, payload: HELLO },
    ])
    const frame = { isFinal: true, opcode: OPCODE.text, payload: HELLO }
    expect(toHex(encodeFrame(frame, fromHex('37fa213d')))).toBe('818537fa213d7f9f4d5158')
  })

  it('a fragmented unmasked text message', () => {
    const frames = read('server', '010348656c80026c6f')
    expect(frames.map(({ isFinal, opcode }) => [isFinal, opcode])).toEqual([
      [false, OPCODE.text],
      [true, OPCODE.continuation],
    ])
    const messages = new MessageReader(100)
    expect(frames.map((frame) => messages.take(frame))).toEqual([undefined, { type: 'text', text: 'Hello' }])
  })

  it('an unmasked ping and its masked pong', () => {
    expect(read('server', '890548656c6c6f')[0]).toMatchObject({ opcode: OPCODE.ping, payload: HELLO })
    expect(read('client', '8a8537fa213d7f9f4d5158')[0]).toMatchObject({ opcode: OPCODE.pong, payload: HELLO })
  })

  it('256 bytes and 64 KiB of binary data in a single unmasked frame', () => {
    for (const [head, length] of [
      ['827e0100', 256],
      ['827f0000000000010000', 65_536],
    ] as const) {
      const payload = new Uint8Array(length).fill(7)
      expect(read('server', head + toHex(payload))).toEqual([
        { isFinal: true, opcode: OPCODE.binary, payload },
      ])
      const encoded = encodeFrame({ isFinal: true, opcode: OPCODE.binary, payload })
      expect(toHex(encoded.subarray(0, head.length / 2))).toBe(head)
    }
  })
})

describe('malformed frames', () => {
  it.each([
    ['a reserved bit', '9185000000000000000000'],
    ['the second reserved bit', 'a1800000000000'],
    ['the third reserved bit', 'c1800000000000'],
    ['opcode 3', '838000000000'],
    ['opcode 11', '8b8000000000'],
    ['opcode 15', '8f8000000000'],
    ['no mask', '810548656c6c6f'],
    ['a length of 125 in two bytes', '82fe007d00000000'],
    ['a length of 65535 in eight bytes', '82ff000000000000ffff00000000'],
    ['a length with its highest bit', '82ff800000000000000000000000'],
    ['a fragmented ping', '098000000000'],
    ['a fragmented close', '088000000000'],
    ['a ping of 126 bytes', '89fe007e00000000'],
  ])('%s is refused', (_, hex) => {
    expect(() => read('client', hex)).toThrow(expect.objectContaining({ code: 'WEBSOCKET_INVALID' }))
  })

  it('a masked frame of a server is refused', () => {
    expect(() => read('server', '818537fa213d7f9f4d5158')).toThrow(
      expect.objectContaining({ code: 'WEBSOCKET_INVALID' }),
    )
  })

  it.each(['82ff7fffffffffffffff00000000', '82ff000000010000000000000000', '82fe040100000000'])(
    'a length past the limit is refused before anything is held: %s',
    (hex) => {
      const before = process.memoryUsage().arrayBuffers
      expect(() => read('client', hex, 1024)).toThrow(
        expect.objectContaining({ code: 'HTTP_BODY_TOO_LARGE' }),
      )
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20)
    },
  )

  it.each([
    ['half a code', '03'],
    ['code 999', '03e7'],
    ['code 1004', '03ec'],
    ['code 1005', '03ed'],
    ['code 1006', '03ee'],
    ['code 1015', '03f7'],
    ['code 2999', '0bb7'],
    ['code 5000', '1388'],
    ['a reason that is not UTF-8', '03e8ff'],
  ])('a close frame with %s is refused', (_, hex) => {
    expect(() => parseClose(fromHex(hex))).toThrow(expect.objectContaining({ code: 'WEBSOCKET_INVALID' }))
  })

  it('a text that is not UTF-8 is refused', () => {
    expect(() => parseText(fromHex('c080'))).toThrow(expect.objectContaining({ code: 'WEBSOCKET_INVALID' }))
  })
})

describe('messages', () => {
  const frame = (opcode: number, isFinal: boolean, length = 1): Frame => ({
    isFinal,
    opcode,
    payload: new Uint8Array(length),
  })

  it.each([
    ['a continuation first', [frame(OPCODE.continuation, true)]],
    ['a message inside another', [frame(OPCODE.binary, false), frame(OPCODE.binary, true)]],
    ['a continuation after the end', [frame(OPCODE.text, true), frame(OPCODE.continuation, true)]],
  ])('%s is refused', (_, frames) => {
    const reader = new MessageReader(100)
    expect(() => frames.map((one) => reader.take(one))).toThrow(
      expect.objectContaining({ code: 'WEBSOCKET_INVALID' }),
    )
  })

  it('control frames come between the frames of a message', () => {
    const reader = new MessageReader(100)
    expect(reader.take(frame(OPCODE.binary, false))).toBeUndefined()
    expect(reader.take(frame(OPCODE.ping, true))).toMatchObject({ type: 'ping' })
    expect(reader.isAtBoundary).toBe(false)
    expect(reader.take(frame(OPCODE.continuation, true))).toEqual({
      type: 'binary',
      bytes: new Uint8Array(2),
    })
    expect(reader.isAtBoundary).toBe(true)
  })

  it('a message that is too large, or in too many fragments, is refused', () => {
    const large = new MessageReader(10)
    large.take(frame(OPCODE.binary, false, 10))
    expect(() => large.take(frame(OPCODE.continuation, true, 1))).toThrow(
      expect.objectContaining({ code: 'HTTP_BODY_TOO_LARGE' }),
    )
    const many = new MessageReader(1 << 20)
    many.take(frame(OPCODE.binary, false, 0))
    expect(() => {
      for (let i = 0; i < 2000; i++) many.take(frame(OPCODE.continuation, false, 0))
    }).toThrow(expect.objectContaining({ code: 'HTTP_BODY_TOO_LARGE' }))
  })
})

describe('every frame', () => {
  const frames = fc.record({
    isFinal: fc.boolean(),
    opcode: fc.constantFrom(OPCODE.continuation, OPCODE.text, OPCODE.binary),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(125, 126, 127, 65_535, 65_536).map((length) => new Uint8Array(length).fill(length)),
    ),
  })

  it('comes out as it went in, wherever the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(frames, { maxLength: 6 }),
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 5000 }),
        (sent, mask, isMasked, step) => {
          const from = isMasked ? 'client' : 'server'
          const bytes = Buffer.concat(sent.map((one) => encodeFrame(one, isMasked ? mask : undefined)))
          const reader = new FrameReader({ from, maxPayloadBytes: 70_000 })
          const got: Frame[] = []
          for (let at = 0; at < bytes.length; at += step)
            got.push(...reader.push(new Uint8Array(bytes.subarray(at, at + step))))
          expect(got).toEqual(sent)
          expect(reader.isAtBoundary).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('that is a close comes out as it went in', () => {
    const codes = fc.oneof(
      fc.constantFrom(1000, 1001, 1003, 1007, 1011),
      fc.integer({ min: 3000, max: 4999 }),
    )
    fc.assert(
      fc.property(codes, fc.string({ unit: 'grapheme', maxLength: 20 }), (code, reason) => {
        expect(parseClose(encodeClose({ code, reason }))).toEqual({ code, reason })
      }),
    )
  })

  it('whatever the bytes: frames, or one of two errors', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const reader = new FrameReader({ from: 'client', maxPayloadBytes: 1000 })
        const messages = new MessageReader(1000)
        try {
          for (const one of reader.push(bytes)) messages.take(one)
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^(WEBSOCKET_INVALID|HTTP_BODY_TOO_LARGE)$/)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
