import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeItem,
  encodeFrame,
  encodeItem,
  type FrameHeader,
  FrameReader,
  MAX_FRAME_PAYLOAD,
} from '../../../src/engines/channel/index.ts'
import { codeOf } from '../host/fake-model.ts'

const RUNS = process.env.SLOW ? 500 : 25
const join = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

const header: fc.Arbitrary<FrameHeader> = fc.oneof(
  fc.record({ k: fc.constant('open' as const), s: fc.nat(), op: fc.string({ maxLength: 20 }) }),
  fc.record({ k: fc.constant('data' as const), s: fc.nat() }),
  fc.record({ k: fc.constant('data' as const), s: fc.nat(), m: fc.constant(1 as const) }),
  fc.record({ k: fc.constantFrom('end' as const, 'cancel' as const), s: fc.nat() }),
  fc.record({ k: fc.constant('credit' as const), s: fc.nat(), n: fc.nat() }),
  fc.record({
    k: fc.constant('error' as const),
    s: fc.nat(),
    code: fc.string({ maxLength: 20 }),
    message: fc.string({ maxLength: 99 }),
  }),
  fc.record({ k: fc.constantFrom('load' as const, 'ready' as const) }),
)

describe('frames', () => {
  it('property: are read back however the bytes are cut', () => {
    const frame = fc.tuple(header, fc.uint8Array({ maxLength: 100 }))
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (frames, step) => {
        const bytes = join(frames.flatMap(([head, payload]) => encodeFrame(head, payload)))
        const reader = new FrameReader()
        const found = []
        for (let at = 0; at < bytes.length; at += step)
          found.push(...reader.push(bytes.subarray(at, at + step)))
        expect(found.map((each) => [each.header, [...each.payload]])).toEqual(
          frames.map(([head, payload]) => [head, [...payload]]),
        )
        expect(reader.midFrame).toBe(false)
      }),
      { numRuns: RUNS },
    )
  })

  const raw = (json: string, length?: number): Uint8Array => {
    const text = new TextEncoder().encode(json)
    const bytes = new Uint8Array(6 + text.length)
    new DataView(bytes.buffer).setUint32(0, length ?? 2 + text.length)
    new DataView(bytes.buffer).setUint16(4, text.length)
    bytes.set(text, 6)
    return bytes
  }

  it.each([
    ['a length of 4 GiB', raw('{}', 0xffffffff)],
    ['a length too short for a header', raw('{}', 1)],
    ['a header longer than its frame', raw('{"k":"end","s":1}', 5)],
    ['a header that is no JSON', raw('{k}')],
    ['a header that is a list', raw('[]')],
    [
      'a header that is not UTF-8',
      (() => {
        const bytes = raw('{"k":"ready"}')
        bytes[8] = 0xff
        return bytes
      })(),
    ],
    ['an unknown kind', raw('{"k":"exec","s":1}')],
    ['a stream without number', raw('{"k":"end"}')],
    ['a negative stream', raw('{"k":"end","s":-1}')],
    ['a fractional credit', raw('{"k":"credit","s":1,"n":0.5}')],
    ['an error without a message', raw('{"k":"error","s":1,"code":"X"}')],
    ['an unknown flag', raw('{"k":"data","s":1,"m":2}')],
  ])('refuse %s', async (_, bytes) => {
    expect(await codeOf((async () => new FrameReader().push(bytes))())).toBe('ENGINE_PROTOCOL')
  })

  it('hold back nothing but the unfinished frame', () => {
    const reader = new FrameReader()
    const [prefix] = encodeFrame({ k: 'end', s: 1 })
    expect(reader.push(prefix!.subarray(0, 5))).toEqual([])
    expect(reader.midFrame).toBe(true)
  })
})

describe('items', () => {
  it('property: decode to what was encoded, in pieces of one frame at most', () => {
    const blob = fc.uint8Array({ maxLength: 64 })
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(blob, { maxLength: 5 }), (json, blobs) => {
        const item = decodeItem(join([...encodeItem({ json, blobs })]))
        expect(item.json).toEqual(JSON.parse(JSON.stringify(json)))
        expect(item.blobs.map((each) => [...each])).toEqual(blobs.map((each) => [...each]))
      }),
      { numRuns: RUNS },
    )
    const pieces = [
      ...encodeItem({ json: 'x'.repeat(MAX_FRAME_PAYLOAD), blobs: [new Uint8Array(3 * MAX_FRAME_PAYLOAD)] }),
    ]
    expect(pieces.every((piece) => piece.length <= MAX_FRAME_PAYLOAD)).toBe(true)
    expect(decodeItem(join(pieces)).blobs[0]).toHaveLength(3 * MAX_FRAME_PAYLOAD)
  })

  it('property: any cut is refused', async () => {
    const bytes = join([...encodeItem({ json: { a: 1 }, blobs: [Uint8Array.of(1, 2, 3)] })])
    for (let length = 0; length < bytes.length; length++) {
      expect(await codeOf((async () => decodeItem(bytes.subarray(0, length)))())).toBe('ENGINE_PROTOCOL')
    }
    expect(await codeOf((async () => decodeItem(join([bytes, Uint8Array.of(0)])))())).toBe('ENGINE_PROTOCOL')
  })
})
