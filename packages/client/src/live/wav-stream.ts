/** A size nobody knows yet (as ffmpeg writes it): the samples go on until the stream ends. */
const UNKNOWN_SIZE = 0xffff_ffff

/**
 * Header of a WAV file (RIFF): signed 16-bit little-endian samples, one channel. Without a length raw samples behind it
 * are a recording that any service reads from the front.
 *
 * @param sampleRate per second
 * @param bytes of the samples, below 2^32 - 36. @default unknown
 */
export function wavHeader(sampleRate: number, bytes?: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(44)
  const view = new DataView(header.buffer)
  const text = (at: number, name: string): void => {
    for (let i = 0; i < name.length; i++) header[at + i] = name.charCodeAt(i)
  }
  text(0, 'RIFF')
  view.setUint32(4, bytes === undefined ? UNKNOWN_SIZE : 36 + bytes, true)
  text(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, sampleRate, true)
  view.setUint32(28, 2 * sampleRate, true)
  view.setUint16(32, 2, true)
  view.setUint16(34, 16, true)
  text(36, 'data')
  view.setUint32(40, bytes ?? UNKNOWN_SIZE, true)
  return header
}
