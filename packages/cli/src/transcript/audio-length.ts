const ascii = (head: Uint8Array, at: number, length = 4): string =>
  String.fromCharCode(...head.subarray(at, at + length))

/**
 * How long a recording is, by its header: WAV and FLAC say so. For a progress line only: whoever made the file
 * controls it, and nothing else depends on it.
 * @param head the beginning of the file. @param size bytes of all of it, where known
 * @returns seconds; undefined where the header does not say
 */
export function secondsOf(head: Uint8Array, size: number | undefined): number | undefined {
  if (ascii(head, 0) === 'RIFF' && ascii(head, 8) === 'WAVE') return secondsOfWav(head, size)
  return ascii(head, 0) === 'fLaC' ? secondsOfFlac(head) : undefined
}

/** Chunks of RIFF: `fmt ` has the bytes a second, `data` the samples. */
function secondsOfWav(head: Uint8Array, size: number | undefined): number | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  let bytesPerSecond: number | undefined
  for (let at = 12; at + 8 <= head.length;) {
    const [name, length] = [ascii(head, at), view.getUint32(at + 4, true)]
    const begin = at + 8
    if (name === 'fmt ' && begin + 12 <= head.length) bytesPerSecond = view.getUint32(begin + 8, true)
    if (name === 'data') {
      const there = size === undefined ? Infinity : size - begin
      const bytes = Math.min(length === 0 || length === 0xffffffff ? Infinity : length, there)
      return bytesPerSecond && Number.isFinite(bytes) && bytes > 0 ? bytes / bytesPerSecond : undefined
    }
    // Chunks begin at even offsets.
    at = begin + length + (length % 2)
  }
  return undefined
}

/** STREAMINFO (RFC 9639, 8.2), which is first: 20 bits of sample rate, 36 bits of samples, from byte 18 on. */
function secondsOfFlac(head: Uint8Array): number | undefined {
  if (head.length < 26 || (head[4]! & 0x7f) !== 0) return undefined
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const rate = view.getUint32(18) >>> 12
  const samples = (view.getUint8(21) & 0x0f) * 2 ** 32 + view.getUint32(22)
  return rate > 0 && samples > 0 ? samples / rate : undefined
}
