import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { encodeVarint } from '@sotto/protocol/varint'
import {
  COMPATIBILITY_SUITES,
  DEFAULT_SUITES,
  OhttpClientKey,
  OhttpGatewayKey,
  OhttpRequestOpener,
  type ReplayGuard,
} from '@sotto/protocol/ohttp'
import { cut, HUGE_LENGTH, makePair, openAll, REQUEST_PREFIX_LENGTH, SUITE } from './exchange.ts'

const runs = process.env['SLOW'] === '1' ? 500 : 25
const code = (name: string): unknown => expect.objectContaining({ code: name })
const { gatewayKey, clientKey, receive } = makePair()
const body = utf8('plaintext')

function flipLast(wire: Uint8Array): Uint8Array {
  const out = new Uint8Array(wire)
  out[out.length - 1]! ^= 1
  return out
}

/** A chunked request of three chunks and an empty final one, as the parts of the wire. */
function chunkedRequest(): { prefix: Uint8Array; chunks: Uint8Array[]; final: Uint8Array } {
  const sealer = clientKey.request()
  const chunks = [1, 2, 3].map((n) => concat(...sealer.seal(new Uint8Array(4).fill(n))))
  const prefix = chunks[0]!.subarray(0, REQUEST_PREFIX_LENGTH)
  return {
    prefix,
    chunks: [chunks[0]!.subarray(REQUEST_PREFIX_LENGTH), ...chunks.slice(1)],
    final: concat(...sealer.end()),
  }
}

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

describe('the gateway', () => {
  it('tells unknown keys from algorithms it does not offer', () => {
    const wire = concat(...clientKey.request().end(body))
    const change = (offset: number, value: number): Uint8Array => {
      const out = new Uint8Array(wire)
      out[offset] = value
      return out
    }
    expect(() => receive().push(change(0, 8))).toThrow(code('OHTTP_UNKNOWN_KEY'))
    expect(() => receive().push(change(2, 0x10))).toThrow(code('OHTTP_UNSUPPORTED_SUITE'))
    expect(() => receive().push(change(4, 2))).toThrow(code('OHTTP_UNSUPPORTED_SUITE'))
    expect(() => receive().push(change(6, HPKE_AEAD.AES_256_GCM))).toThrow(code('OHTTP_UNSUPPORTED_SUITE'))
  })

  // Every way a message can fail to be authentic has one error: code, message and nothing else.
  it.each<[string, (wire: Uint8Array) => Uint8Array]>([
    ['flipped tag', flipLast],
    [
      'flipped first byte of ciphertext',
      (wire) => wire.with(REQUEST_PREFIX_LENGTH + 1, wire[REQUEST_PREFIX_LENGTH + 1]! ^ 1),
    ],
    ['flipped encapsulated key', (wire) => wire.with(20, wire[20]! ^ 1)],
    ['zero point', (wire) => concat(wire.subarray(0, 7), new Uint8Array(32), wire.subarray(39))],
    [
      'point of order 8',
      (wire) =>
        concat(
          wire.subarray(0, 7),
          fromHex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
          wire.subarray(39),
        ),
    ],
  ])('answers a %s like every other forgery', (_name, forge) => {
    const wire = forge(concat(...clientKey.request().end(body)))
    try {
      openAll(receive(), [wire])
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({
        code: 'OHTTP_OPEN_FAILED',
        message: 'encapsulated message is not authentic',
      })
      expect(error).not.toHaveProperty('cause')
      expect(
        (error as { expected?: string; found?: string }).expected ?? (error as { found?: string }).found,
      ).toBeUndefined()
    }
  })

  it('never opens one framing as the other', () => {
    for (const isChunked of [true, false]) {
      const wire = clientKey.request({ isChunked }).end(body)
      expect(() => openAll(receive({ isChunked: !isChunked }), wire)).toThrow(
        /OHTTP_|not authentic|larger|malformed|ends/,
      )
    }
  })

  it('holds nothing and stays failed after an error', () => {
    const opener = receive()
    const { prefix, chunks } = chunkedRequest()
    opener.push(prefix)
    expect(() => opener.push(chunks[1]!)).toThrow(code('OHTTP_OPEN_FAILED'))
    expect(() => opener.push(chunks[0]!)).toThrow(code('OHTTP_CONTEXT_USED'))
    expect(() => opener.finish()).toThrow(code('OHTTP_CONTEXT_USED'))
    expect(() => opener.respond()).toThrow(code('OHTTP_CONTEXT_USED'))
  })

  it('releases nothing of an unchunked request before its tag is verified', () => {
    const wire = concat(...clientKey.request({ isChunked: false }).end(new Uint8Array(50_000)))
    const opener = receive({ isChunked: false })
    expect(opener.push(wire.subarray(0, 30_000))).toEqual([])
    expect(opener.push(wire.subarray(30_000))).toEqual([])
    expect(opener.isAuthenticated).toBe(false)
    expect(concat(...opener.finish())).toHaveLength(50_000)
  })

  it('answers once, and only an authentic request', () => {
    const opener = receive()
    expect(() => opener.respond()).toThrow(code('OHTTP_CONTEXT_USED'))
    openAll(opener, clientKey.request().end(body))
    const sealer = opener.respond()
    expect(() => opener.respond()).toThrow(code('OHTTP_CONTEXT_USED'))
    sealer.end()
    expect(() => sealer.end()).toThrow(code('OHTTP_CONTEXT_USED'))
    expect(() => sealer.seal(body)).toThrow(code('OHTTP_CONTEXT_USED'))
  })

  it('can answer before a chunked request is complete', () => {
    const exchange = clientKey.request()
    const opener = receive()
    for (const piece of exchange.seal(body)) opener.push(piece)
    const sealer = opener.respond()
    const response = exchange.openResponse()
    expect(concat(...sealer.seal(body).flatMap((piece) => response.push(piece)))).toEqual(body)
  })
})

describe('replay', () => {
  function memoryGuard(): ReplayGuard & { seen: Set<string>; asked: number } {
    const seen = new Set<string>()
    const name = (keyId: number, enc: Uint8Array): string => `${keyId} ${toHex(enc)}`
    const guard = {
      seen,
      asked: 0,
      has(keyId: number, enc: Uint8Array) {
        guard.asked++
        return seen.has(name(keyId, enc))
      },
      claim: (keyId: number, enc: Uint8Array) => seen.size < seen.add(name(keyId, enc)).size,
    }
    return guard
  }

  it.each([true, false])('is refused, whether chunked (%s) or not', (isChunked) => {
    const replay = memoryGuard()
    const wire = clientKey.request({ isChunked }).end(body)
    openAll(receive({ isChunked, replay }), wire)
    expect(() => openAll(receive({ isChunked, replay }), wire)).toThrow(code('OHTTP_REPLAYED'))
  })

  it('is refused when both copies arrive at the same time', () => {
    const replay = memoryGuard()
    const wire = concat(...clientKey.request({ isChunked: false }).end(body))
    const openers = [receive({ isChunked: false, replay }), receive({ isChunked: false, replay })]
    for (const opener of openers) opener.push(wire)
    openers[0]!.finish()
    expect(() => openers[1]!.finish()).toThrow(code('OHTTP_REPLAYED'))
  })

  it('is recorded only for authentic requests, so that nobody can burn a key that is not theirs', () => {
    const replay = memoryGuard()
    const wire = concat(...clientKey.request().end(body))
    const forged = flipLast(wire)
    expect(() => openAll(receive({ replay }), [forged])).toThrow(code('OHTTP_OPEN_FAILED'))
    expect(replay.seen.size).toBe(0)
    expect(openAll(receive({ replay }), [wire])).toEqual(body)
  })

  it('is checked before any decryption', () => {
    const replay: ReplayGuard = { has: () => true, claim: () => true }
    const wire = concat(...clientKey.request().end(body))
    const zeroPoint = concat(wire.subarray(0, 7), new Uint8Array(32), wire.subarray(39))
    expect(() => receive({ replay }).push(zeroPoint)).toThrow(code('OHTTP_REPLAYED'))
  })
})

it('refuses to offer algorithms that it does not have', () => {
  const privateKey = kemById(HPKE_KEM.DHKEM_X25519).generate()
  expect(() => new OhttpGatewayKey(1, privateKey, [{ kdfId: 0x77, aeadId: 1 }])).toThrow(
    code('HPKE_UNSUPPORTED'),
  )
})

it('does not answer with a suite that has no response keys', () => {
  const suite = { ...SUITE, kdfId: HPKE_KDF.SHAKE256 }
  const privateKey = kemById(suite.kemId).generate()
  expect(() => new OhttpGatewayKey(1, privateKey, [suite])).toThrow(code('OHTTP_UNSUPPORTED_SUITE'))
  const config = { keyId: 1, kemId: suite.kemId, publicKey: privateKey.publicKey, algorithms: [suite] }
  expect(() => new OhttpClientKey(config, suite)).toThrow(code('OHTTP_UNSUPPORTED_SUITE'))
})

it('is handed errors that are its own', () => {
  try {
    new OhttpRequestOpener({ isChunked: true, findKey: () => gatewayKey }).finish()
  } catch (error) {
    expect(hasCode(error, 'OHTTP_TRUNCATED')).toBe(true)
  }
})
