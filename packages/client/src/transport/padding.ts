import { paddedLength } from '@sotto/protocol/sizes'

const ZEROS = new Uint8Array(16_384)

/** Zero bytes that bring a message of `length` bytes to its padded length, in blocks (RFC 9292 Section 3.8). */
export function* padding(length: number): Generator<Uint8Array> {
  for (let rest = paddedLength(length) - length; rest > 0;) {
    const block = ZEROS.subarray(0, Math.min(rest, ZEROS.length))
    yield block
    rest -= block.length
  }
}
