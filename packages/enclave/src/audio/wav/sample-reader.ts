import { malformed } from '../errors.ts'
import { decodeALaw, decodeMuLaw } from './g711.ts'

/** How samples lie in an uncompressed file. `pcm` is signed except 8-bit WAV, which is `pcm-unsigned`. */
export type SampleKind = 'pcm' | 'pcm-unsigned' | 'float' | 'alaw' | 'mulaw'

/** Layout of one sample. */
export interface SampleLayout {
  readonly kind: SampleKind
  /** 8, 16, 24 or 32 for integers, 32 or 64 for floats, 8 for A-law and mu-law. */
  readonly bits: number
  readonly littleEndian: boolean
}

/** Reads one sample as a number in [-1, 1]. */
export type SampleReader = (view: DataView, offset: number) => number

/** The reader of a layout, or undefined for one that no file should have. */
export function sampleReader({ kind, bits, littleEndian }: SampleLayout): SampleReader | undefined {
  if (kind === 'alaw') return bits === 8 ? (view, at) => decodeALaw(view.getUint8(at)) : undefined
  if (kind === 'mulaw') return bits === 8 ? (view, at) => decodeMuLaw(view.getUint8(at)) : undefined
  if (kind === 'pcm-unsigned') return bits === 8 ? (view, at) => (view.getUint8(at) - 128) / 128 : undefined
  if (kind === 'float') {
    if (bits === 32) return (view, at) => bounded(view.getFloat32(at, littleEndian))
    if (bits === 64) return (view, at) => bounded(view.getFloat64(at, littleEndian))
    return undefined
  }
  if (bits === 8) return (view, at) => view.getInt8(at) / 128
  if (bits === 16) return (view, at) => view.getInt16(at, littleEndian) / 32_768
  if (bits === 24 && littleEndian) {
    return (view, at) => (view.getInt8(at + 2) * 65_536 + view.getUint16(at, true)) / 8_388_608
  }
  if (bits === 24)
    return (view, at) => (view.getInt8(at) * 65_536 + view.getUint16(at + 1, false)) / 8_388_608
  if (bits === 32) return (view, at) => view.getInt32(at, littleEndian) / 2_147_483_648
  return undefined
}

/** Name of a layout as people know it from other tools. */
export function layoutName({ kind, bits, littleEndian }: SampleLayout): string {
  if (kind === 'alaw' || kind === 'mulaw') return `pcm_${kind}`
  if (bits === 8) return kind === 'pcm-unsigned' ? 'pcm_u8' : 'pcm_s8'
  return `pcm_${kind === 'float' ? 'f' : 's'}${bits}${littleEndian ? 'le' : 'be'}`
}

/** One NaN would spread through every filter behind; loud floats are clipped as any 16-bit path clips them. */
function bounded(sample: number): number {
  if (!Number.isFinite(sample)) throw malformed('a sample is NaN or infinite')
  return sample > 1 ? 1 : sample < -1 ? -1 : sample
}
