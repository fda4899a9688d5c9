import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { OhttpClientKey } from '@sotto/protocol/ohttp'
import { encodeVarint } from '@sotto/protocol/varint'
import { cut, HUGE_LENGTH, makePair, openAll, SUITE } from './exchange.ts'

const runs = process.env['SLOW'] === '1' ? 500 : 25
const code = (name: string): unknown => expect.objectContaining({ code: name })
const { clientKey, gatewayKey, receive } = makePair()
const body = utf8('plaintext')

/** A finished request and the sealer of its response. */
function exchange(isChunked = true): {
  request: ReturnType<OhttpClientKey['request']>
  sealer: ReturnType<ReturnType<typeof receive>['respond']>
} {
  const request = clientKey.request({ isChunked })
  const opener = receive({ isChunked })
  openAll(opener, request.end(body))
  return { request, sealer: opener.respond() }
}

/** Nonce, three chunks and the empty final one of a response, and who opens it. */
function chunkedResponse(): {
  nonce: Uint8Array
  chunks: Uint8Array[]
  final: Uint8Array
  open(...wire: Uint8Array[]): Uint8Array
} {
  const { request, sealer } = exchange()
  const [first, ...rest] = [1, 2, 3].map((n) => concat(...sealer.seal(new Uint8Array(4).fill(n))))
  const opener = request.openResponse()
  return {
    nonce: first!.subarray(0, 16),
    chunks: [first!.subarray(16), ...rest],
    final: concat(...sealer.end()),
    open: (...wire) => openAll(opener, [concat(...wire)]),
  }
}

describe('a chunked response', () => {
  it('is released chunk by chunk as each arrives', () => {
    const { request, sealer } = exchange()
    const opener = request.openResponse()
    const push = (pieces: Uint8Array[]): Uint8Array =>
      concat(...pieces.flatMap((piece) => opener.push(piece)))
    expect(push(sealer.seal(body))).toEqual(body)
    expect(push(sealer.seal(utf8('more')))).toEqual(utf8('more'))
    expect(push(sealer.end())).toHaveLength(0)
    expect(opener.finish()).toEqual([])
  })

  it('is refused without its verified final chunk', () => {
    const { nonce, chunks, open } = chunkedResponse()
    expect(() => open(nonce, ...chunks)).toThrow(code('OHTTP_TRUNCATED'))
    const other = chunkedResponse()
    expect(() => other.open(other.nonce, ...other.chunks, encodeVarint(0))).toThrow(code('OHTTP_TRUNCATED'))
    const short = chunkedResponse()
    expect(() => short.open(short.nonce.subarray(1))).toThrow(code('OHTTP_TRUNCATED'))
  })

  it.each<[string, (parts: ReturnType<typeof chunkedResponse>) => Uint8Array[]]>([
    ['reordered', ({ nonce, chunks: [a, b, c], final }) => [nonce, b!, a!, c!, final]],
    ['repeated', ({ nonce, chunks: [a, b, c], final }) => [nonce, a!, a!, b!, c!, final]],
    ['dropped', ({ nonce, chunks: [a, , c], final }) => [nonce, a!, c!, final]],
    ['followed by data', ({ nonce, chunks, final }) => [nonce, ...chunks, final, new Uint8Array(1)]],
    [
      'of another response',
      ({ nonce, chunks: [a], final }) => [nonce, a!, chunkedResponse().chunks[1]!, final],
    ],
  ])('is refused with a chunk %s', (_name, arrange) => {
    const parts = chunkedResponse()
    expect(() => parts.open(...arrange(parts))).toThrow(code('OHTTP_OPEN_FAILED'))
  })

  it('is refused with an empty chunk or an absurd length', () => {
    const empty = chunkedResponse()
    expect(() => empty.open(empty.nonce, encodeVarint(16), new Uint8Array(16))).toThrow(
      code('OHTTP_MALFORMED'),
    )
    const huge = chunkedResponse()
    expect(() => huge.open(huge.nonce, HUGE_LENGTH)).toThrow(code('OHTTP_TOO_LARGE'))
  })
})

describe('a client', () => {
  it('never uses a context twice', () => {
    const { request } = exchange()
    expect(() => request.end(body)).toThrow(code('OHTTP_CONTEXT_USED'))
    expect(() => request.seal(body)).toThrow(code('OHTTP_CONTEXT_USED'))
    request.openResponse()
    expect(() => request.openResponse()).toThrow(code('OHTTP_CONTEXT_USED'))
  })

  it('uses fresh keys for every request, retries included', () => {
    const wires = Array.from({ length: 20 }, () => concat(...clientKey.request().end(body)))
    expect(new Set(wires.map((wire) => wire.subarray(7, 39).join())).size).toBe(20)
  })

  it('opens only the response to its own request', () => {
    for (const isChunked of [true, false]) {
      const [mine, other] = [exchange(isChunked), exchange(isChunked)]
      const wire = other.sealer.end(body)
      expect(() => openAll(mine.request.openResponse(), wire)).toThrow(code('OHTTP_OPEN_FAILED'))
      expect(openAll(other.request.openResponse(), wire)).toEqual(body)
    }
  })

  it('never takes a response in the other framing', () => {
    const { request } = exchange(true)
    const whole = exchange(false).sealer.end(body)
    expect(() => openAll(request.openResponse(), whole)).toThrow(/OHTTP_|malformed|larger|ends|not authentic/)
  })

  it('refuses any flipped byte of a response, in either framing and cut in any way', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 40 }),
        (at, flip, isChunked, size) => {
          const { request, sealer } = exchange(isChunked)
          const wire = concat(...sealer.seal(body), ...sealer.end(body))
          wire[at % wire.length]! ^= flip
          try {
            openAll(request.openResponse(), cut(wire, [size]))
            expect.unreachable()
          } catch (error) {
            expect((error as { code?: string }).code).toMatch(
              /^OHTTP_(OPEN_FAILED|TRUNCATED|TOO_LARGE|MALFORMED)$/,
            )
          }
        },
      ),
      { numRuns: runs * 4 },
    )
  })

  it('only uses an algorithm that the configuration offers', () => {
    const algorithm = { ...SUITE, aeadId: 3 }
    expect(() => new OhttpClientKey(gatewayKey.config, algorithm)).toThrow(code('OHTTP_NO_SUITE'))
  })

  it('refuses a public key that is none', () => {
    const config = { ...gatewayKey.config, publicKey: new Uint8Array(31) }
    expect(() => new OhttpClientKey(config, SUITE)).toThrow(code('CRYPTO_BAD_KEY'))
    const zero = new OhttpClientKey({ ...gatewayKey.config, publicKey: new Uint8Array(32) }, SUITE)
    expect(() => zero.request()).toThrow(code('CRYPTO_BAD_KEY'))
  })
})
