/** A file that can be read from any byte on, as often as an upload needs. */
export interface UploadSource {
  /** Its length. */
  readonly bytes: number
  /** Bytes `from` to the end. */
  read(from: number): AsyncIterable<Uint8Array>
}

/**
 * The file from a byte on, in parts of `partBytes` but for the last; where all of it is there, one empty part. Each is an
 * array of its own. What the source reads past its length is left out, and one that ends early ends the parts.
 */
export async function* partsOf(
  source: UploadSource,
  from: number,
  partBytes: number,
): AsyncGenerator<Uint8Array> {
  let at = from
  let part = new Uint8Array(Math.min(partBytes, source.bytes - at))
  let filled = 0
  if (part.length === 0) {
    yield part
    return
  }
  for await (const chunk of source.read(from)) {
    for (let offset = 0; offset < chunk.length;) {
      const taken = Math.min(chunk.length - offset, part.length - filled)
      part.set(chunk.subarray(offset, offset + taken), filled)
      offset += taken
      filled += taken
      if (filled < part.length) continue
      yield part
      at += filled
      filled = 0
      part = new Uint8Array(Math.min(partBytes, source.bytes - at))
      if (part.length === 0) return
    }
  }
}
