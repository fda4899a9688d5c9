import { describe, expect, it } from 'vitest'
import { readAll } from '../../../src/engines/upstream/body.ts'

const MIB = 2 ** 20

/** Pieces of this size, each filled with the low byte of where it begins. */
async function* piecesOf(length: number, size: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < length; at += size) yield new Uint8Array(Math.min(size, length - at)).fill(at & 0xff)
}

describe('memory for an answer', () => {
  it.each([1, 7, 4096, 300_000])(
    'is one array that doubles, whatever the sizes of the pieces: %i bytes each',
    async (size) => {
      const holds: number[] = []
      const read = await readAll(piecesOf(300_000, size), MIB, (bytes) => void holds.push(bytes))
      expect(read.every((byte, at) => byte === ((at - (at % size)) & 0xff))).toBe(true)
      expect([read.length, read.buffer.byteLength]).toEqual([300_000, 300_000])
      expect(holds).toEqual(size === 300_000 ? [300_000] : [65_536, 65_536, 131_072, 262_144])
    },
  )

  it('is never more than the bound, and exactly what was stated', async () => {
    const holds: number[] = []
    const hold = (bytes: number): void => void holds.push(bytes)
    expect(await readAll(piecesOf(100_000, 1000), 100_000, hold)).toHaveLength(100_000)
    expect(holds.splice(0)).toEqual([65_536, 34_464])
    expect(await readAll(piecesOf(100_000, 1000), MIB, hold, '100000')).toHaveLength(100_000)
    expect(holds.splice(0)).toEqual([100_000])
    expect(await readAll(piecesOf(0, 1), MIB, hold)).toEqual(new Uint8Array(0))
    expect(holds).toEqual([])
  })

  it.each<[string, number, string?]>([
    ['it is longer than the bound', 100_001],
    ['it says that it is', 10, '100001'],
  ])('is refused where %s', async (_, length, stated) => {
    const holds: number[] = []
    await expect(
      readAll(piecesOf(length, 1000), 100_000, (bytes) => void holds.push(bytes), stated),
    ).rejects.toMatchObject({ code: 'ENGINE_ANSWER_TOO_LARGE' })
    expect(holds.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(100_000)
  })

  it('is refused before it is allocated where there is none', async () => {
    const full = (): never => {
      throw new Error('full')
    }
    await expect(readAll(piecesOf(1, 1), MIB, full)).rejects.toThrow('full')
    await expect(readAll(piecesOf(1, 1), MIB, full, '1')).rejects.toThrow('full')
  })
})
