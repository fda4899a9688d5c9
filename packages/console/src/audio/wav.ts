/** Where the samples of a WAV file lie, and what they are. */
export interface WavLayout {
  rate: number
  channels: number
  bits: number
  isFloat: boolean
  /** First byte of the samples. */
  start: number
  /** As the header says; a file that was cut has fewer, one that was streamed may say anything. */
  bytes: number
}

const PCM = 1
const FLOAT = 3
const EXTENSIBLE = 0xfffe

/** Reads the chunks of a WAV file up to its samples (RIFF). Undefined for what is none, or is compressed. */
export function wavLayoutOf(head: Uint8Array): WavLayout | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const name = (at: number): string => String.fromCharCode(...head.subarray(at, at + 4))
  if (head.length < 12 || name(0) !== 'RIFF' || name(8) !== 'WAVE') return undefined
  let format: Omit<WavLayout, 'start' | 'bytes'> | undefined
  for (let at = 12; at + 8 <= head.length;) {
    const bytes = view.getUint32(at + 4, true)
    const start = at + 8
    if (name(at) === 'data') return format && { ...format, start, bytes }
    if (name(at) === 'fmt ' && start + 16 <= head.length) {
      const tag = view.getUint16(start, true)
      const code = tag === EXTENSIBLE && start + 26 <= head.length ? view.getUint16(start + 24, true) : tag
      const bits = view.getUint16(start + 14, true)
      const [channels, rate] = [view.getUint16(start + 2, true), view.getUint32(start + 4, true)]
      const isRead =
        code === FLOAT ? bits === 32 : code === PCM && [8, 16, 24, 32].includes(bits) && channels > 0
      if (!isRead || channels === 0 || rate === 0) return undefined
      format = { rate, channels, bits, isFloat: code === FLOAT }
    }
    at = start + bytes + (bytes % 2)
  }
  return undefined
}

/** The first channel of whole frames, full scale 1. */
export function samplesOfWav(bytes: Uint8Array, { channels, bits, isFloat }: WavLayout): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const width = bits / 8
  const frame = width * channels
  const samples = new Float32Array(Math.floor(bytes.length / frame))
  for (let i = 0, at = 0; i < samples.length; i++, at += frame) {
    if (isFloat) samples[i] = view.getFloat32(at, true)
    else if (bits === 16) samples[i] = view.getInt16(at, true) / 0x8000
    else if (bits === 8) samples[i] = (view.getUint8(at) - 128) / 128
    else if (bits === 24) samples[i] = ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 0x80_0000
    else samples[i] = view.getInt32(at, true) / 0x8000_0000
  }
  return samples
}
