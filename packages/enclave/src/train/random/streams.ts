/**
 * All chance of a run, from one secret: AES-256 in counter mode, under a key for each purpose, at a place for each step and
 * input. Nothing is remembered between steps, so that a step which is done again is the very same step.
 */
import { createCipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { roomTrainError } from '../errors.ts'

/** What chance is drawn for. Each has a key of its own. */
export type Purpose = 'sample' | 'rows' | 'noise' | 'split' | 'join' | 'metrics' | 'try'

/** Bytes of the first call of the cipher, and of later ones: twice as many each time, since most streams are short. */
const FIRST_BLOCK = 1024
const BLOCK = 65_536
const ZEROS = new Uint8Array(BLOCK)
const NO_SALT = new Uint8Array(0)
const MAX_PLACE = 0xffff_ffff

/**
 * A key that follows from the secret of a run.
 * @param purpose what the key is for, in words
 */
export function deriveKey(secret: Uint8Array, purpose: string): Uint8Array {
  if (secret.length !== 32) throw roomTrainError('ROOM_TRAIN_SETTINGS', 'the secret of a run has 32 bytes')
  return new Uint8Array(hkdfSync('sha256', secret, NO_SALT, `sotto-training-v1 ${purpose}`, 32))
}

/** The secret of a run: whoever has it and a released model has the data. It leaves the room in no form. */
export class Chance {
  readonly #keys = new Map<Purpose, KeyObject>()
  readonly #secret: Uint8Array

  /** @param secret 32 bytes, of this run only */
  constructor(secret: Uint8Array) {
    deriveKey(secret, 'check')
    this.#secret = secret
  }

  /**
   * The bits of a place, from their beginning.
   * @param step from 0 to 2^32 - 1
   * @param part which input they are for, from 0 to 2^32 - 1; 0 for what is of all
   */
  stream(purpose: Purpose, step: number, part = 0): Stream {
    let key = this.#keys.get(purpose)
    if (!key) this.#keys.set(purpose, (key = createSecretKey(deriveKey(this.#secret, purpose))))
    return new Stream(key, step, part)
  }
}

/** Bits that nobody without the secret can tell from chance: read as bytes, or as words, but not as both. */
export class Stream {
  readonly #cipher: ReturnType<typeof createCipheriv>
  #bytes = new Uint8Array(0)
  #words = new Uint32Array(0)
  #at = 0

  constructor(key: KeyObject, step: number, part: number) {
    // Place, and a counter of 64 bits that no stream of a run comes to the end of.
    const start = new DataView(new ArrayBuffer(16))
    for (const value of [step, part])
      if (!Number.isInteger(value) || value < 0 || value > MAX_PLACE)
        throw roomTrainError('ROOM_TRAIN_SETTINGS', 'a step is out of bounds')
    start.setUint32(0, part)
    start.setUint32(4, step)
    this.#cipher = createCipheriv('aes-256-ctr', key, new Uint8Array(start.buffer))
  }

  /** 8 bits. */
  byte(): number {
    if (this.#at === this.#bytes.length) this.#refill()
    return this.#bytes[this.#at++]!
  }

  /** 32 bits. */
  word(): number {
    if (this.#at === this.#words.length) this.#refill()
    return this.#words[this.#at++]!
  }

  /** A number over 0, at most 1: the 64 bits that are drawn, plus 1, over 2^64. Near 0 it has all of them. */
  uniform(): number {
    return (this.word() * 0x1_0000_0000 + this.word() + 1) * 2 ** -64
  }

  /** A whole number from 0 to below the bound, each as probable. @param bound 1 to 2^32 */
  below(bound: number): number {
    // The largest multiple of the bound: what is over it would favour small numbers.
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound)
    for (;;) {
      const drawn = this.word()
      if (drawn < limit) return drawn % bound
    }
  }

  #refill(): void {
    const size = Math.min(BLOCK, Math.max(FIRST_BLOCK, 2 * this.#bytes.length))
    const bytes = this.#cipher.update(ZEROS.subarray(0, size))
    this.#bytes = new Uint8Array(bytes)
    this.#words = new Uint32Array(this.#bytes.buffer)
    this.#at = 0
  }
}
