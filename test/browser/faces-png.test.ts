import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toFrame } from '../../examples/faces/people/frame.ts'
import { readPng } from '../../examples/faces/people/png.ts'
import { toPng } from './faces-pictures.ts'

/** A PNG of these fields of the header; checksums are not what protects a folder of one's own. */
function png(header: number[], rows: Uint8Array, more: [string, Uint8Array][] = []): Buffer {
  const chunks: [string, Uint8Array][] = [
    ['IHDR', Uint8Array.from(header)],
    ...more,
    ['IDAT', deflateSync(rows)],
  ]
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    ...chunks.map(([type, body]) => {
      const out = Buffer.alloc(body.length + 12)
      out.writeUInt32BE(body.length)
      out.write(type, 4, 'latin1')
      out.set(body, 8)
      return out
    }),
  ])
}
const head = (width: number, height: number, colour: number, depth = 8, interlace = 0): number[] => [
  0,
  0,
  width >> 8,
  width & 255,
  0,
  0,
  height >> 8,
  height & 255,
  depth,
  colour,
  0,
  0,
  interlace,
]

describe('reading a PNG', () => {
  it('gives the pixels that were written, whatever the filters of the rows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 12 }),
        fc.infiniteStream(fc.nat(255)),
        (width, height, bytes) => {
          const rgb = Uint8Array.from(bytes.take(width * height * 3))
          const written = { width, height, rgb }
          expect(readPng(toPng(written))).toEqual(written)
        },
      ),
    )
  })

  it('knows grey, grey with transparency, colours with transparency, and palettes', () => {
    const rgbOf = (colour: number, row: number[], more: [string, Uint8Array][] = []): number[] => [
      ...readPng(png(head(2, 1, colour), Uint8Array.from([0, ...row]), more)).rgb,
    ]
    expect(rgbOf(0, [7, 9])).toEqual([7, 7, 7, 9, 9, 9])
    expect(rgbOf(4, [7, 0, 9, 255])).toEqual([7, 7, 7, 9, 9, 9])
    expect(rgbOf(6, [1, 2, 3, 0, 4, 5, 6, 255])).toEqual([1, 2, 3, 4, 5, 6])
    expect(rgbOf(3, [1, 0], [['PLTE', Uint8Array.of(1, 2, 3, 4, 5, 6)]])).toEqual([4, 5, 6, 1, 2, 3])
  })

  it.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /no PNG/],
    ['a JPEG', Buffer.from('ffd8ffe000104a464946', 'hex'), /no PNG/],
    ['16 bits', png(head(1, 1, 2, 16), new Uint8Array(7)), /8 bits/],
    ['interlaced', png(head(1, 1, 2, 8, 1), new Uint8Array(4)), /interlaced/],
    ['an unknown colour type', png(head(1, 1, 5), new Uint8Array(4)), /8 bits/],
    ['no pixels', png(head(0, 1, 2), new Uint8Array(1)), /between 1 and/],
    ['too many pixels', png(head(40_000, 1, 2), new Uint8Array(1)), /between 1 and/],
    ['rows that are missing', png(head(2, 2, 2), new Uint8Array(7)), /cut/],
    ['more than its header says', png(head(1, 1, 2), new Uint8Array(1_000_000)), /larger than 4 bytes/],
    ['a filter that does not exist', png(head(1, 1, 2), Uint8Array.of(9, 1, 2, 3)), /damaged/],
    ['no palette', png(head(1, 1, 3), Uint8Array.of(0, 1)), /palette/],
    ['a chunk that goes on beyond the file', png(head(1, 1, 2), new Uint8Array(4)).subarray(0, 50), /cut/],
  ])('%s is refused', (_name, bytes, message) => {
    expect(() => readPng(bytes)).toThrow(message)
  })
})

describe('fitting a picture into a frame', () => {
  it('shows all of it, in the middle, and black around it', () => {
    const white = { width: 20, height: 40, rgb: new Uint8Array(20 * 40 * 3).fill(255) }
    const frame = toFrame(white, { width: 32, height: 24 })
    const columns = Array.from({ length: 32 }, (_, x) => frame[(12 * 32 + x) * 3])
    expect(columns.indexOf(255)).toBe(10)
    expect(columns.filter((value) => value === 255)).toHaveLength(12)
  })

  it('a pixel is the mean of those it covers, and small pictures are made larger', () => {
    const checks = {
      width: 4,
      height: 2,
      rgb: Uint8Array.from({ length: 24 }, (_, i) => (Math.floor(i / 3) % 2) * 100),
    }
    expect([...toFrame(checks, { width: 2, height: 1 })]).toEqual([50, 50, 50, 50, 50, 50])
    const one = { width: 1, height: 1, rgb: Uint8Array.of(1, 2, 3) }
    expect([...toFrame(one, { width: 2, height: 2 })]).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
  })
})
