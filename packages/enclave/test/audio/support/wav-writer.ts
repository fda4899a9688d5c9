import { bytesOf, le } from './bytes.ts'

/** Sample encodings the writer knows. */
export type WavEncoding = 'u8' | 's16' | 's24' | 's32' | 'f32' | 'f64' | 'alaw' | 'mulaw'

const TAGS: Record<WavEncoding, [tag: number, bits: number]> = {
  u8: [1, 8],
  s16: [1, 16],
  s24: [1, 24],
  s32: [1, 32],
  f32: [3, 32],
  f64: [3, 64],
  alaw: [6, 8],
  mulaw: [7, 8],
}

/** How a test file is to be. `dataSize` and `riffSize` override what the header claims. */
export interface WavOptions {
  rate?: number
  encoding?: WavEncoding
  extensible?: boolean
  dataSize?: number
  riffSize?: number
  before?: Uint8Array
  after?: Uint8Array
}

/** Writes a WAV file of planar channels. */
export function writeWav(
  channels: readonly Float32Array[],
  options: WavOptions = {},
): Uint8Array<ArrayBuffer> {
  const data = encodeSamples(channels, options.encoding ?? 's16')
  const header = wavHeader(channels.length, data.length, options)
  return bytesOf(header, data, options.after ?? '')
}

/** The bytes before the samples. */
export function wavHeader(
  channels: number,
  dataBytes: number,
  options: WavOptions = {},
): Uint8Array<ArrayBuffer> {
  const { rate = 16_000, encoding = 's16', extensible = false, before = new Uint8Array(0) } = options
  const [tag, bits] = TAGS[encoding]
  const frame = (channels * bits) / 8
  const plain = bytesOf(
    le(extensible ? 0xfffe : tag, 2),
    le(channels, 2),
    le(rate, 4),
    le(rate * frame, 4),
    le(frame, 2),
    le(bits, 2),
  )
  const guidTail = bytesOf(0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71)
  const format = extensible ? bytesOf(plain, le(22, 2), le(bits, 2), le(0, 4), le(tag, 2), guidTail) : plain
  const body = bytesOf('WAVE', 'fmt ', le(format.length, 4), format, before, 'data')
  const riffSize = options.riffSize ?? body.length + 4 + dataBytes + (options.after?.length ?? 0)
  return bytesOf('RIFF', le(riffSize, 4), body, le(options.dataSize ?? dataBytes, 4))
}

function encodeSamples(channels: readonly Float32Array[], encoding: WavEncoding): Uint8Array {
  const width = TAGS[encoding][1] / 8
  const frames = channels[0]?.length ?? 0
  const out = new Uint8Array(frames * channels.length * width)
  const view = new DataView(out.buffer)
  let at = 0
  for (let i = 0; i < frames; i++) {
    for (const channel of channels) {
      put(view, at, channel[i]!, encoding)
      at += width
    }
  }
  return out
}

function put(view: DataView, at: number, sample: number, encoding: WavEncoding): void {
  if (encoding === 'f32') view.setFloat32(at, sample, true)
  else if (encoding === 'f64') view.setFloat64(at, sample, true)
  else if (encoding === 'u8') view.setUint8(at, Math.min(255, Math.round(sample * 128) + 128))
  else if (encoding === 's16') view.setInt16(at, Math.min(32_767, Math.round(sample * 32_768)), true)
  else if (encoding === 's32') view.setInt32(at, Math.min(2 ** 31 - 1, Math.round(sample * 2 ** 31)), true)
  else if (encoding === 'alaw') view.setUint8(at, encodeALaw(sample))
  else if (encoding === 'mulaw') view.setUint8(at, encodeMuLaw(sample))
  else {
    const value = Math.min(2 ** 23 - 1, Math.round(sample * 2 ** 23))
    view.setUint16(at, value & 0xffff, true)
    view.setInt8(at + 2, value >> 16)
  }
}

/** G.711 the other way round, by segment: written from the standard's tables, not from the decoder. */
function encodeALaw(sample: number): number {
  const magnitude = Math.min(4095, Math.floor(Math.abs(sample) * 4096))
  const segment = magnitude < 32 ? 0 : Math.floor(Math.log2(magnitude)) - 4
  const step = segment === 0 ? magnitude >> 1 : (magnitude >> segment) & 0x0f
  return ((sample >= 0 ? 0x80 : 0) | (segment << 4) | (step & 0x0f)) ^ 0x55
}

function encodeMuLaw(sample: number): number {
  const magnitude = Math.min(8158, Math.floor(Math.abs(sample) * 8159)) + 33
  const segment = Math.floor(Math.log2(magnitude)) - 5
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | ((magnitude >> (segment + 1)) & 0x0f)) & 0xff
}
