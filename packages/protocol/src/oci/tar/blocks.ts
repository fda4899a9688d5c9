import { ociError } from '../errors.ts'

/** Reads a stream of chunks of any size in pieces of the size that is wanted. */
export interface ByteSource {
  /** Bytes that were taken. */
  readonly position: number
  /** Exactly so many bytes; undefined at the end of the stream, which must not lie within them. */
  take(size: number): Promise<Uint8Array | undefined>
  /** So many bytes as they come. @throws `IMAGE_INVALID` when the stream ends before */
  stream(size: number): ByteStream
  /** All that is left. */
  rest(): AsyncGenerator<Uint8Array, void, undefined>
}

/** Bytes of a known number. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /** Reads what nobody read, also after a loop over it that ended early: what comes next lies behind it. */
  skip(): Promise<void>
}

/** A source of the chunks; whoever sends them decides how they are cut. */
export function openByteSource(chunks: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]()
  let left: Uint8Array = new Uint8Array()
  let position = 0

  /** Some bytes, `most` at most; undefined at the end. */
  async function some(most: number): Promise<Uint8Array | undefined> {
    while (left.length === 0) {
      const next = await iterator.next()
      if (next.done === true) return undefined
      left = next.value
    }
    const piece = left.subarray(0, most)
    left = left.subarray(piece.length)
    position += piece.length
    return piece
  }

  return {
    get position() {
      return position
    },
    async take(size) {
      const bytes = new Uint8Array(size)
      for (let at = 0; at < size;) {
        const piece = await some(size - at)
        if (piece === undefined && at === 0) return undefined
        if (piece === undefined) throw cut()
        bytes.set(piece, at)
        at += piece.length
      }
      return bytes
    },
    stream(size) {
      let open = size
      async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
        while (open > 0) {
          const piece = await some(open)
          if (piece === undefined) throw cut()
          open -= piece.length
          yield piece
        }
      }
      return {
        [Symbol.asyncIterator]: read,
        async skip() {
          for await (const _ of read());
        },
      }
    },
    async *rest() {
      for (let piece = await some(Infinity); piece !== undefined; piece = await some(Infinity)) yield piece
    },
  }
}

function cut(): Error {
  return ociError('IMAGE_INVALID', 'a layer ends within an entry')
}
