import { inflateSync } from 'node:zlib'

/** Pixels of a picture, red first, 3 bytes each. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array
}

/** Larger pictures are of no use to a detector of small frames. */
const MAX_SIDE = 8192
const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')
/** Samples of a pixel by colour type (PNG, 11.2.2). */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

/**
 * Reads a PNG of 8 bits, as cameras and converters write them. What is transparent is left as it is.
 * @throws Error for anything else, interlaced ones among it
 */
export function readPng(file: Buffer): Picture {
  if (!file.subarray(0, 8).equals(SIGNATURE)) throw new Error('it is no PNG')
  const data: Buffer[] = []
  let header: Buffer | undefined
  let palette: Buffer | undefined
  for (let at = 8; at + 12 <= file.length;) {
    const length = file.readUInt32BE(at)
    const type = file.toString('latin1', at + 4, at + 8)
    const body = file.subarray(at + 8, at + 8 + length)
    if (body.length < length) throw new Error('it is cut')
    if (type === 'IHDR') header = body
    if (type === 'PLTE') palette = body
    if (type === 'IDAT') data.push(body)
    at += 12 + length
  }
  if (header?.length !== 13 || data.length === 0) throw new Error('it is cut')
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  const [depth, colour, interlace] = [header[8], header[9]!, header[12]]
  const samples = SAMPLES[colour]
  if (samples === undefined || depth !== 8 || interlace !== 0)
    throw new Error('it is a PNG of another kind than 8 bits a sample, not interlaced')
  if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
    throw new Error(`it is not between 1 and ${MAX_SIDE} pixels wide and high`)
  const size = height * (width * samples + 1)
  const rows = inflateSync(Buffer.concat(data), { maxOutputLength: size })
  if (rows.length !== size) throw new Error('it is cut')
  return { width, height, rgb: toRgb(unfilter(rows, width * samples, samples), colour, samples, palette) }
}

/** Takes the filters of the rows back (PNG, 9.2). */
function unfilter(rows: Buffer, stride: number, samples: number): Uint8Array {
  const out = new Uint8Array((rows.length / (stride + 1)) * stride)
  for (let row = 0, at = 0; at < out.length; row++) {
    const filter = rows[row * (stride + 1)]!
    if (filter > 4) throw new Error('it is damaged')
    for (let i = 0; i < stride; i++, at++) {
      const left = i < samples ? 0 : out[at - samples]!
      const above = row === 0 ? 0 : out[at - stride]!
      const corner = row === 0 || i < samples ? 0 : out[at - stride - samples]!
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter]!
      out[at] = rows[row * (stride + 1) + 1 + i]! + guess
    }
  }
  return out
}

function paeth(left: number, above: number, corner: number): number {
  const sum = left + above - corner
  const [a, b, c] = [Math.abs(sum - left), Math.abs(sum - above), Math.abs(sum - corner)]
  if (a <= b && a <= c) return left
  return b <= c ? above : corner
}

function toRgb(pixels: Uint8Array, colour: number, samples: number, palette: Buffer | undefined): Uint8Array {
  if (colour === 3 && palette === undefined) throw new Error('it lacks its palette')
  const count = pixels.length / samples
  const rgb = new Uint8Array(count * 3)
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++) {
      const sample = pixels[i * samples + (samples >= 3 ? c : 0)]!
      rgb[i * 3 + c] = colour === 3 ? (palette![sample * 3 + c] ?? 0) : sample
    }
  return rgb
}
