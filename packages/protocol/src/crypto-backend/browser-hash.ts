import { hmac as nobleHmac } from '@noble/hashes/hmac.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { sha3_256, shake128, shake256 } from '@noble/hashes/sha3.js'
import { concat } from '../bytes/index.ts'
import { turboshake } from './turboshake.ts'
import type { HashName, IncrementalHash, Sha2Name, XofName } from './types.ts'

const HASHES = { sha256, sha384, sha512, 'sha3-256': sha3_256 } as const

/** Hash of the concatenation of the parts. */
export function hash(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return HASHES[name](parts[0]!)
  const running = HASHES[name].create()
  for (const part of parts) running.update(part)
  return running.digest()
}

/** Running hash. */
export function createHash(name: HashName): IncrementalHash {
  const running = HASHES[name].create()
  const self: IncrementalHash = {
    update(part) {
      running.update(part)
      return self
    },
    digest: () => running.digest(),
  }
  return self
}

/** HMAC (RFC 2104) of the concatenation of the parts. */
export function hmac(name: Sha2Name, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const running = nobleHmac.create(HASHES[name], key)
  for (const part of parts) running.update(part)
  return running.digest()
}

/** Output of an extendable-output function. */
export function xof(name: XofName, length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  if (name === 'turboshake128' || name === 'turboshake256') return turboshake(name, length, parts)
  return (name === 'shake128' ? shake128 : shake256)(concat(...parts), { dkLen: length })
}
