import { describe, expect, it } from 'vitest'
import { concat, fromHex, toHex } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { OhttpClientKey, OhttpGatewayKey, OhttpRequestOpener, type ReplayGuard } from '@sotto/protocol/ohttp'
import { openAll, REQUEST_PREFIX_LENGTH, SUITE } from './exchange.ts'
import { body, chunkedRequest, clientKey, code, gatewayKey, receive } from './gateway-messages.ts'

function flipLast(wire: Uint8Array): Uint8Array {
  const out = new Uint8Array(wire)
  out[out.length - 1]! ^= 1
  return out
}

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
