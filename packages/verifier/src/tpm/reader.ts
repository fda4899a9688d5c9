import { ByteReader } from '@sotto/protocol/bytes'
import { malformedTpm } from './errors.ts'

/** Reads the big-endian fields of TPM structures (Part 2, Section 4.2) from bytes that anybody may have written. */
export class TpmReader extends ByteReader {
  /** Content of a TPM2B structure of at most `max` bytes, as a view (Part 2, Section 10.4). */
  sized(max: number, what: string): Uint8Array {
    const size = this.uint(2)
    if (size > max) throw malformedTpm(`${what} is too long`, `at most ${max} bytes`, `${size}`)
    return this.take(size)
  }

  /** UINT64. */
  uint64(): bigint {
    return (BigInt(this.uint(4)) << 32n) | BigInt(this.uint(4))
  }
}
