import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import {
  AzureResponseOpener,
  AzureResponseSealer,
  encodeLeb128,
  Leb128Reader,
} from '@sotto/protocol/azure-dialect'
import { concat, toHex, utf8 } from '@sotto/protocol/bytes'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { OhttpClientKey, OhttpGatewayKey, OhttpRequestOpener } from '@sotto/protocol/ohttp'

const KEY = new OhttpGatewayKey(3, kemById(HPKE_KEM.DHKEM_P384).generate(), [
  { kdfId: HPKE_KDF.HKDF_SHA384, aeadId: HPKE_AEAD.AES_256_GCM },
])
const CLIENT = new OhttpClientKey(KEY.config, KEY.config.algorithms[0]!)

/** Both ends of one exchange. */
function exchange(maxChunkBytes?: number) {
  const request = CLIENT.request({ isChunked: false })
  const gateway = new OhttpRequestOpener({ isChunked: false, findKey: () => KEY })
  gateway.push(concat(...request.seal(utf8('request')), ...request.end()))
  gateway.finish()
  const unframed = gateway.respondUnframed()
  return {
    keys: request.openUnframed(),
    nonce: unframed.nonce,
    sealer: new AzureResponseSealer(unframed, maxChunkBytes),
    cipher: unframed.cipher,
  }
}

function readAll(opener: AzureResponseOpener, wire: Uint8Array, size = wire.length || 1): Uint8Array {
  const body: Uint8Array[] = []
  for (let at = 0; at < wire.length; at += size) body.push(...opener.push(wire.subarray(at, at + size)))
  opener.finish()
  return concat(...body)
}

const refused = (code: string): object => expect.objectContaining({ code }) as object

describe('the answer of the dialect', () => {
  test('is nonce, length and ciphertext, and a final chunk behind a zero byte', () => {
    const { sealer, nonce, keys } = exchange()
    const wire = concat(...sealer.seal(utf8('hello')), ...sealer.end(utf8('!')))
    expect(nonce).toHaveLength(32)
    expect(toHex(wire.subarray(0, 32))).toBe(toHex(nonce))
    expect([wire[32], wire[33 + 21], wire[33 + 22], wire.length]).toEqual([21, 0, 17, 32 + 22 + 19])
    expect(readAll(new AzureResponseOpener(keys), wire)).toEqual(utf8('hello!'))
  })

  test('opens to what was sealed, whatever the sizes of writes, chunks and pieces', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 400 }),
        (writes, chunk, piece) => {
          const { sealer, keys } = exchange(chunk)
          const wire = concat(...writes.flatMap((write) => sealer.seal(write)), ...sealer.end())
          expect(readAll(new AzureResponseOpener(keys), wire, piece)).toEqual(concat(...writes))
        },
      ),
      { numRuns: 40 },
    )
  })

  test('every changed byte and every cut is refused', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const { sealer, keys } = exchange(10)
        const wire = concat(...sealer.seal(utf8('some words that are secret')), ...sealer.end(utf8('end')))
        wire[at % wire.length]! ^= change
        expect(() => readAll(new AzureResponseOpener(keys), wire)).toThrow()
      }),
      { numRuns: 60 },
    )
    const { sealer, keys } = exchange(10)
    const wire = concat(...sealer.seal(utf8('some words that are secret')), ...sealer.end())
    const { cipherOf } = keys
    for (let length = 0; length < wire.length; length++)
      expect(() =>
        readAll(new AzureResponseOpener({ nonceLength: 32, cipherOf }), wire.subarray(0, length)),
      ).toThrow(refused('AZURE_TRUNCATED'))
  })

  test('chunks cannot change places, nor one be the last that is none', () => {
    const { sealer, keys } = exchange(4)
    const [nonce, first, second] = sealer.seal(utf8('one.two.')) as [Uint8Array, Uint8Array, Uint8Array]
    const end = concat(...sealer.end(utf8('end.')))
    const fresh = (): AzureResponseOpener => new AzureResponseOpener({ ...keys })
    const wires = [
      concat(nonce, second, first, end),
      concat(nonce, first, end),
      concat(nonce, first, Uint8Array.of(0), second),
      concat(nonce, end),
      concat(nonce, first, second, end.subarray(1)),
    ]
    for (const wire of wires) expect(() => readAll(fresh(), wire)).toThrow(refused('AZURE_OPEN_FAILED'))
  })
})

describe('malformed answers', () => {
  const cases: [string, (end: Uint8Array) => Uint8Array, string][] = [
    ['bytes after the end', (end) => concat(end, Uint8Array.of(0)), 'AZURE_MALFORMED'],
    ['two final marks', (end) => concat(Uint8Array.of(0), end), 'AZURE_MALFORMED'],
    ['a chunk shorter than a tag', () => concat(Uint8Array.of(15), new Uint8Array(15)), 'AZURE_MALFORMED'],
    ['a length with a useless byte', () => Uint8Array.of(0x91, 0x00), 'AZURE_MALFORMED'],
    ['a length of five bytes', () => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1), 'AZURE_MALFORMED'],
    ['a chunk that is too large', () => encodeLeb128(2 ** 20 + 17), 'AZURE_TOO_LARGE'],
    ['nothing', () => new Uint8Array(0), 'AZURE_TRUNCATED'],
    ['a final mark alone', () => Uint8Array.of(0), 'AZURE_TRUNCATED'],
  ]
  test.each(cases)('%s', (_name, change, code) => {
    const { sealer, nonce, keys } = exchange()
    const end = concat(...sealer.end()).subarray(32)
    expect(() => readAll(new AzureResponseOpener(keys), concat(nonce, change(end)))).toThrow(refused(code))
  })

  test('more than the receiver takes, and use after the end', () => {
    const { sealer, keys } = exchange()
    const wire = concat(...sealer.end(new Uint8Array(100)))
    const opener = new AzureResponseOpener(keys, { maxBytes: 99 })
    expect(() => opener.push(wire)).toThrow(refused('AZURE_TOO_LARGE'))
    expect(() => opener.push(wire)).toThrow(refused('AZURE_CONTEXT_USED'))
    expect(() => sealer.seal(new Uint8Array(1))).toThrow(refused('AZURE_CONTEXT_USED'))
    expect(() => sealer.end()).toThrow(refused('AZURE_CONTEXT_USED'))
  })
})

test('lengths are unsigned LEB128', () => {
  for (const [value, text] of [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [624_485, 'e58e26'],
    [2 ** 28 - 1, 'ffffff7f'],
  ] as const) {
    const bytes = encodeLeb128(value)
    expect(toHex(bytes)).toBe(text)
    const reader = new Leb128Reader()
    expect([...bytes].map((byte) => reader.push(byte)).at(-1)).toBe(value)
  }
})
