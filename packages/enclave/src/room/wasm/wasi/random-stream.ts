import { createHash } from 'node:crypto'

/**
 * Bytes that follow from a seed: SHA-256 of the seed and of a counter, one after the other. Whoever knows the seed knows them
 * all: they are for programs that shuffle or hash, and never a secret.
 */
export class RandomStream {
  private readonly seed: Uint8Array
  private counter = 0n
  private left = new Uint8Array(0)

  constructor(seed: Uint8Array) {
    this.seed = seed
  }

  fill(into: Uint8Array): void {
    for (let at = 0; at < into.length;) {
      if (this.left.length === 0) this.left = this.next()
      const piece = this.left.subarray(0, into.length - at)
      into.set(piece, at)
      this.left = this.left.subarray(piece.length)
      at += piece.length
    }
  }

  private next(): Uint8Array<ArrayBuffer> {
    const counter = Buffer.alloc(8)
    counter.writeBigUInt64BE(this.counter++)
    return new Uint8Array(createHash('sha256').update(this.seed).update(counter).digest())
  }
}
