/** What speech models take: samples per second, one channel. */
export const SAMPLE_RATE = 16_000

/** Signed 16-bit little-endian, as recordings are sent. What is louder than full scale is held there. */
export function pcm16(samples: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(2 * samples.length)
  const view = new DataView(bytes.buffer)
  for (const [at, sample] of samples.entries()) {
    const held = Math.max(-1, Math.min(1, sample))
    view.setInt16(2 * at, Math.round(held < 0 ? held * 0x8000 : held * 0x7fff), true)
  }
  return bytes
}
