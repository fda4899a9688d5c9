import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { HPKE_KDF } from '@sotto/protocol/hpke'
import { encodeVarint } from '@sotto/protocol/varint'
import { COMPATIBILITY_SUITES, DEFAULT_SUITES } from '@sotto/protocol/ohttp'
import { cut, HUGE_LENGTH, makePair, openAll, SUITE } from './exchange.ts'
import { body, chunkedRequest, clientKey, code, receive } from './gateway-messages.ts'

const runs = process.env['SLOW'] === '1' ? 500 : 25

describe.each([...DEFAULT_SUITES, ...COMPATIBILITY_SUITES, { ...SUITE, kdfId: HPKE_KDF.HKDF_SHA512 }])(
  'suite $kemId $kdfId $aeadId',
  (suite) => {
    it.each([true, false])('carries a request and its response (chunked: %s)', (isChunked) => {
      const pair = makePair(suite)
      const exchange = pair.clientKey.request({ isChunked })
      const opener = pair.receive({ isChunked })
      expect(openAll(opener, [...exchange.seal(body), ...exchange.end(body)])).toEqual(concat(body, body))
      const sealer = opener.respond()
      expect(openAll(exchange.openResponse(), [...sealer.seal(body), ...sealer.end()])).toEqual(body)
    })
  },
)

describe('a chunked request', () => {
  it('is released chunk by chunk, and complete only after the verified final chunk', () => {
    const { prefix, chunks, final } = chunkedRequest()
    const opener = receive()
    expect(opener.push(prefix)).toEqual([])
    expect(opener.isAuthenticated).toBe(false)
    expect(opener.push(chunks[0]!)).toEqual([new Uint8Array(4).fill(1)])
    expect(opener.isAuthenticated).toBe(true)
    expect(opener.push(chunks[1]!)).toEqual([new Uint8Array(4).fill(2)])
    expect(opener.push(concat(chunks[2]!, final))).toEqual([new Uint8Array(4).fill(3)])
    expect(opener.finish()).toEqual([])
    expect(() => opener.push(new Uint8Array(1))).toThrow(code('OHTTP_CONTEXT_USED'))
  })

  it.each<[string, (parts: ReturnType<typeof chunkedRequest>) => Uint8Array[]]>([
    ['reordered', ({ prefix, chunks: [a, b, c], final }) => [prefix, b!, a!, c!, final]],
    ['repeated', ({ prefix, chunks: [a, b, c], final }) => [prefix, a!, a!, b!, c!, final]],
    ['dropped', ({ prefix, chunks: [a, , c], final }) => [prefix, a!, c!, final]],
    ['dropped at the start', ({ prefix, chunks: [, b, c], final }) => [prefix, b!, c!, final]],
    ['dropped at the end', ({ prefix, chunks: [a, b], final }) => [prefix, a!, b!, final]],
    ['made final', ({ prefix, chunks: [a, b] }) => [prefix, a!, encodeVarint(0), b!.subarray(1)]],
    ['followed by data', ({ prefix, chunks, final }) => [prefix, ...chunks, final, new Uint8Array(1)]],
    ['followed by another chunk', ({ prefix, chunks, final }) => [prefix, ...chunks, final, chunks[2]!]],
    [
      'taken from another request',
      ({ prefix, chunks: [a, b], final }) => [prefix, a!, b!, chunkedRequest().chunks[2]!, final],
    ],
  ])('is refused with a chunk %s', (_name, arrange) => {
    const wire = concat(...arrange(chunkedRequest()))
    for (const pieces of [[wire], cut(wire, [1])])
      expect(() => openAll(receive(), pieces)).toThrow(code('OHTTP_OPEN_FAILED'))
  })

  it('is refused when it is cut anywhere, at chunk boundaries too', () => {
    const { prefix, chunks, final } = chunkedRequest()
    const wire = concat(prefix, ...chunks, final)
    for (let length = 0; length < wire.length; length++) {
      expect(() => openAll(receive(), [wire.subarray(0, length)])).toThrow(
        /ends before its verified end|not authentic/,
      )
    }
    expect(() => openAll(receive(), [prefix, ...chunks])).toThrow(code('OHTTP_TRUNCATED'))
    expect(() => openAll(receive(), [prefix, ...chunks, encodeVarint(0)])).toThrow(code('OHTTP_TRUNCATED'))
  })

  it('is refused with an empty chunk before the final one', () => {
    const { prefix } = chunkedRequest()
    const emptyChunk = concat(encodeVarint(16), new Uint8Array(16))
    expect(() => receive().push(concat(prefix, emptyChunk))).toThrow(code('OHTTP_MALFORMED'))
    expect(() => receive().push(concat(prefix, encodeVarint(15)))).toThrow(code('OHTTP_MALFORMED'))
  })

  it('accepts 16384 bytes in a chunk and not one more, unless told so', () => {
    const exact = clientKey.request({ maxChunkBytes: 16384 })
    expect(openAll(receive(), [...exact.seal(new Uint8Array(16384)), ...exact.end()])).toHaveLength(16384)
    for (const seal of ['seal', 'end'] as const) {
      const large = clientKey.request({ maxChunkBytes: 20_000 })
      const pieces = [...large[seal](new Uint8Array(16385)), ...(seal === 'seal' ? large.end() : [])]
      expect(() => openAll(receive(), pieces)).toThrow(code('OHTTP_TOO_LARGE'))
      expect(openAll(receive({ maxChunkBytes: 16385 }), pieces)).toHaveLength(16385)
    }
  })

  it('is split into chunks by the sender, at exact multiples too', () => {
    for (const length of [0, 1, 99, 100, 101, 200, 300]) {
      const sealer = clientKey.request({ maxChunkBytes: 100 })
      const pieces =
        length === 99
          ? sealer.end(new Uint8Array(length))
          : [...sealer.seal(new Uint8Array(length)), ...sealer.end()]
      expect(openAll(receive({ maxChunkBytes: 100 }), pieces)).toHaveLength(length)
      const ended = clientKey.request({ maxChunkBytes: 100 }).end(new Uint8Array(length))
      expect(openAll(receive({ maxChunkBytes: 100 }), ended)).toHaveLength(length)
    }
  })

  it('is bounded as a whole', () => {
    for (const isChunked of [true, false]) {
      const sealed = clientKey.request({ isChunked }).end(new Uint8Array(1000))
      expect(openAll(receive({ isChunked, maxMessageBytes: 1000 }), sealed)).toHaveLength(1000)
      expect(() => openAll(receive({ isChunked, maxMessageBytes: 983 }), sealed)).toThrow(
        code('OHTTP_TOO_LARGE'),
      )
    }
  })

  it('refuses a length of 2^62 - 1 without allocating', () => {
    const { prefix } = chunkedRequest()
    const before = process.memoryUsage().arrayBuffers
    expect(() => receive({ maxChunkBytes: 2 ** 40 }).push(concat(prefix, HUGE_LENGTH))).toThrow(
      code('OHTTP_TOO_LARGE'),
    )
    receive({ maxChunkBytes: 2 ** 40 }).push(concat(prefix, encodeVarint(2 ** 39)))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20)
  })

  it('opens the same however it is cut, and takes linear time byte by byte', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1 }),
        fc.boolean(),
        (parts, sizes, isChunked) => {
          const sealer = clientKey.request({ isChunked, maxChunkBytes: 50 })
          const wire = concat(...parts.flatMap((part) => sealer.seal(part)), ...sealer.end())
          for (const pieces of [[wire], cut(wire, sizes), cut(wire, [1])]) {
            expect(openAll(receive({ isChunked }), pieces)).toEqual(concat(...parts))
          }
        },
      ),
      { numRuns: runs },
    )
    for (const isChunked of [true, false]) {
      const wire = concat(...clientKey.request({ isChunked }).end(new Uint8Array(100_000)))
      const before = process.memoryUsage().arrayBuffers
      const start = performance.now()
      expect(openAll(receive({ isChunked }), cut(wire, [1]))).toHaveLength(100_000)
      expect(performance.now() - start).toBeLessThan(2000)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 2 ** 20)
    }
  })

  it('is refused with any flipped byte, in either framing', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, isChunked) => {
        const sealer = clientKey.request({ isChunked })
        const wire = concat(...sealer.seal(body), ...sealer.end(body))
        const index = at % wire.length
        wire[index]! ^= flip
        // The top bit of an X25519 key is ignored; flipping it is caught by the derivation, which has all of enc.
        expect(() => openAll(receive({ isChunked }), [wire])).toThrow()
        try {
          openAll(receive({ isChunked }), [wire])
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^OHTTP_/)
        }
      }),
      { numRuns: runs * 4 },
    )
  })
})
