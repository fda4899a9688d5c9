import { createHash as nodeCreateHash, createHmac, createSecretKey, hash as oneShot } from 'node:crypto'
import type { HashName, IncrementalHash, Sha2Name, XofName } from './types.ts'
import { turboshake } from './turboshake.ts'

// One-shot hashes of short inputs go through one scratch buffer and a one-byte string: that
// is three times faster than a Buffer result, and HPKE does about twenty of them per request.
const SCRATCH_LENGTH = 8192
const scratch = new Uint8Array(SCRATCH_LENGTH)
const outer = new Uint8Array(128 + 64)
/** Beginnings of the scratch buffers by length: a view costs as much as a quarter of the hash. */
const scratchViews: Uint8Array[] = []
const outerViews: Uint8Array[] = []
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c
const BLOCK_LENGTH: Record<Sha2Name, number> = { sha256: 64, sha384: 128, sha512: 128 }

/** Hash of the concatenation of the parts. */
export function hash(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return fromBinary(oneShot(name, parts[0]!, 'binary'))
  const length = gather(parts, 0)
  if (length >= 0) return fromBinary(oneShot(name, start(scratch, scratchViews, length), 'binary'))
  const running = nodeCreateHash(name)
  for (const part of parts) running.update(part)
  return plain(running.digest())
}

/** Running hash. */
export function createHash(name: HashName): IncrementalHash {
  const running = nodeCreateHash(name)
  const self: IncrementalHash = {
    update(part) {
      running.update(part)
      return self
    },
    digest: () => plain(running.digest()),
  }
  return self
}

/** HMAC (RFC 2104) of the concatenation of the parts. */
export function hmac(name: Sha2Name, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const block = BLOCK_LENGTH[name]
  const length = key.length <= block ? gather(parts, block) : -1
  if (length < 0) {
    // A KeyObject, because createHmac with raw bytes takes four times as long.
    const running = createHmac(name, createSecretKey(key))
    for (const part of parts) running.update(part)
    return plain(running.digest())
  }
  padKey(key, block)
  const inner = oneShot(name, start(scratch, scratchViews, block + length), 'binary')
  for (let i = 0; i < inner.length; i++) outer[block + i] = inner.charCodeAt(i)
  const out = fromBinary(oneShot(name, start(outer, outerViews, block + inner.length), 'binary'))
  scratch.fill(0, 0, block + length)
  outer.fill(0)
  return out
}

/** Output of an extendable-output function. */
export function xof(name: XofName, length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  if (name === 'turboshake128' || name === 'turboshake256') return turboshake(name, length, parts)
  const running = nodeCreateHash(name, { outputLength: length })
  for (const part of parts) running.update(part)
  return plain(running.digest())
}

/** The same bytes as a plain Uint8Array, so that results never have Buffer's different `slice`. */
export function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
}

/** Copies the parts into the scratch buffer at `start`; their length, or -1 when they do not fit. */
function gather(parts: readonly Uint8Array[], start: number): number {
  let length = 0
  for (const part of parts) length += part.length
  if (start + length > SCRATCH_LENGTH) return -1
  let offset = start
  for (const part of parts) {
    scratch.set(part, offset)
    offset += part.length
  }
  return length
}

/** Both pads of RFC 2104, which begin the inner and the outer hash. */
function padKey(key: Uint8Array, block: number): void {
  for (let i = 0; i < key.length; i++) {
    scratch[i] = key[i]! ^ INNER_PAD
    outer[i] = key[i]! ^ OUTER_PAD
  }
  for (let i = key.length; i < block; i++) {
    scratch[i] = INNER_PAD
    outer[i] = OUTER_PAD
  }
}

function start(buffer: Uint8Array, views: Uint8Array[], length: number): Uint8Array {
  return (views[length] ??= buffer.subarray(0, length))
}

function fromBinary(text: string): Uint8Array {
  const out = new Uint8Array(text.length)
  for (let i = 0; i < out.length; i++) out[i] = text.charCodeAt(i)
  return out
}
