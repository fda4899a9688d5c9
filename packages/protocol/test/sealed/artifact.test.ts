import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  chunkRange,
  openArtifact,
  openHeader,
  parseHeader,
  sealArtifact,
  sealedBytes,
  type RangeReader,
} from '@sotto/protocol/sealed'

const contentKey = crypto.randomBytes(32)
const CHUNK = 65_536

const seal = async (
  content: Uint8Array,
  options: { id?: string; key?: Uint8Array; pieces?: number } = {},
): Promise<Uint8Array> => {
  const { pieces = 1 } = options
  const step = Math.max(1, Math.ceil(content.length / pieces))
  const source = Array.from({ length: Math.ceil(content.length / step) }, (_, i) =>
    content.subarray(i * step, (i + 1) * step),
  )
  const { sealed } = sealArtifact({
    contentKey: options.key ?? contentKey,
    plaintextBytes: content.length,
    source,
    chunkBytes: CHUNK,
    metadata: 'model.onnx',
    ...(options.id && { id: options.id }),
  })
  return concat(...(await Array.fromAsync(sealed)))
}

const reader =
  (file: Uint8Array): RangeReader =>
  async (start, length) =>
    file.subarray(start, start + length)

const open = async (file: Uint8Array, key = contentKey): Promise<Uint8Array> => {
  const { content } = await openArtifact(reader(file), key)
  return concat(...(await Array.fromAsync(content)))
}

const tampered = expect.objectContaining({ code: 'SEALED_TAMPERED', action: 'stop' })

describe('a sealed artifact', () => {
  it.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])(
    'opens to the %i bytes that were sealed, however they arrive',
    async (size) => {
      const content = crypto.randomBytes(size)
      for (const pieces of [1, 7]) {
        const file = await seal(content, { pieces })
        expect(file.length).toBe(sealedBytes(parseHeader(file)))
        expect(await open(file)).toEqual(content)
      }
    },
  )

  it('keeps its metadata inside', async () => {
    const file = await seal(crypto.randomBytes(10))
    const { headerBytes } = parseHeader(file)
    expect(openHeader(file.subarray(0, headerBytes), contentKey).metadata).toBe('model.onnx')
    expect(Buffer.from(file).includes('model.onnx')).toBe(false)
  })

  it('gives any one chunk without the others', async () => {
    const content = crypto.randomBytes(3 * CHUNK)
    const file = await seal(content)
    const header = parseHeader(file)
    const opened = openHeader(file.subarray(0, header.headerBytes), contentKey)
    const { start, length } = chunkRange(header, 1)
    expect(await opened.openChunk(1, file.subarray(start, start + length))).toEqual(
      content.subarray(CHUNK, 2 * CHUNK),
    )
  })

  it('refuses another key before it opens anything', async () => {
    await expect(open(await seal(crypto.randomBytes(10)), crypto.randomBytes(32))).rejects.toThrow(
      expect.objectContaining({ code: 'SEALED_KEY' }),
    )
  })

  it('refuses chunks that are swapped, repeated, cut off or of another artifact', async () => {
    const file = await seal(crypto.randomBytes(3 * CHUNK))
    const header = parseHeader(file)
    const piece = (bytes: Uint8Array, i: number): Uint8Array =>
      bytes.subarray(chunkRange(header, i).start, chunkRange(header, i).start + chunkRange(header, i).length)
    const [head, a, b, c] = [
      file.subarray(0, header.headerBytes),
      piece(file, 0),
      piece(file, 1),
      piece(file, 2),
    ]
    const other = piece(await seal(crypto.randomBytes(3 * CHUNK), { id: header.id }), 1)
    for (const forged of [
      concat(head, b, a, c),
      concat(head, a, a, c),
      concat(head, a, b),
      concat(head, a, other, c),
    ]) {
      await expect(open(forged)).rejects.toThrow(tampered)
    }
  })

  it('refuses another artifact under the same content key, when it is told which one it is', async () => {
    const [mine, theirs] = ['1'.repeat(32), '2'.repeat(32)]
    const file = await seal(crypto.randomBytes(10), { id: theirs })
    await expect(openArtifact(reader(file), contentKey, mine)).rejects.toThrow(tampered)
    expect((await openArtifact(reader(file), contentKey, theirs)).header.id).toBe(theirs)
  })

  it.each(['', 'ab', 'AB'.repeat(16), '0'.repeat(33)])('is not sealed under the id %j', async (id) => {
    expect(() => sealArtifact({ contentKey, plaintextBytes: 0, source: [], id })).toThrow(
      expect.objectContaining({ code: 'SEALED_MALFORMED' }),
    )
  })

  it('refuses a keeper who shows one header first and another later', async () => {
    const [one, two] = [await seal(crypto.randomBytes(10)), await seal(crypto.randomBytes(10))]
    let reads = 0
    const fickle: RangeReader = async (start, length) =>
      (reads++ === 0 ? one : two).subarray(start, start + length)
    const { content } = await openArtifact(fickle, contentKey)
    expect(concat(...(await Array.fromAsync(content)))).toEqual(await open(two))
    reads = 0
    const later: RangeReader = async (start, length) =>
      (reads++ < 2 ? one : two).subarray(start, start + length)
    const mixed = await openArtifact(later, contentKey)
    await expect(Array.fromAsync(mixed.content)).rejects.toThrow(tampered)
  })

  it('refuses a header that makes it shorter', async () => {
    const file = await seal(crypto.randomBytes(2 * CHUNK))
    const shorter = file.slice()
    new DataView(shorter.buffer).setUint32(13 + 2, CHUNK) // low half of the 6-byte size
    await expect(open(shorter)).rejects.toThrow(tampered)
  })

  it('refuses any flipped byte', async () => {
    const file = await seal(crypto.randomBytes(CHUNK + 100))
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const flipped = file.slice()
        flipped[at]! ^= mask
        await expect(open(flipped)).rejects.toHaveProperty('code')
      }),
      { numRuns: process.env['SLOW'] ? 500 : 40 },
    )
  })

  it.each([
    ['shorter', 11],
    ['longer', 9],
  ])('refuses to seal a source %s than stated', async (_what, stated) => {
    const { sealed } = sealArtifact({
      contentKey,
      plaintextBytes: stated,
      source: [new Uint8Array(10)],
      chunkBytes: CHUNK,
    })
    await expect(Array.fromAsync(sealed)).rejects.toThrow(expect.objectContaining({ code: 'SEALED_SIZE' }))
  })

  it.each([
    ['nothing', (_file: Uint8Array) => new Uint8Array(0)],
    ['another file', (file: Uint8Array) => file.map((byte, i) => (i === 0 ? byte ^ 1 : byte))],
    ['an unknown suite', (file: Uint8Array) => file.map((byte, i) => (i === 8 ? 9 : byte))],
    ['a chunk size out of bounds', (file: Uint8Array) => file.map((byte, i) => (i === 9 ? 0xff : byte))],
    ['endless metadata', (file: Uint8Array) => file.map((byte, i) => (i === 99 ? 0xff : byte))],
  ])('is malformed when it is %s', async (_what, change) => {
    const file = await seal(crypto.randomBytes(10))
    expect(() => parseHeader(change(file))).toThrow(
      expect.objectContaining({ code: 'SEALED_MALFORMED', action: 'fix-input' }),
    )
  })
})
