import type { CryptoBackend, Sha2Name } from './types.ts'
import { badInput } from './errors.ts'

const HASH_LENGTH: Record<Sha2Name, number> = { sha256: 32, sha384: 48, sha512: 64 }

const FIRST_COUNTER = new Uint8Array([1])

/** HKDF (RFC 5869) over a backend's HMAC. */
export function makeHkdf(
  hmac: CryptoBackend['hmac'],
): Pick<CryptoBackend, 'hkdfExtract' | 'hkdfExpand' | 'hkdf'> {
  // HMAC pads its key with zeros, so an empty salt equals the salt of zeros in Section 2.2.
  const hkdfExtract: CryptoBackend['hkdfExtract'] = (hash, salt, ...ikm) => hmac(hash, salt, ...ikm)

  const hkdfExpand: CryptoBackend['hkdfExpand'] = (hash, prk, info, length) => {
    const block = HASH_LENGTH[hash]
    if (!Number.isInteger(length) || length < 0 || length > 255 * block) {
      throw badInput('HKDF output length is out of range', {
        expected: `0 to ${255 * block}`,
        found: `${length}`,
      })
    }
    if (length <= block) {
      const out = hmac(hash, prk, info, FIRST_COUNTER)
      // A copy of a short array takes a tenth of the time of a view of it.
      return length === block ? out : out.slice(0, length)
    }
    const counter = new Uint8Array(FIRST_COUNTER)
    const out = new Uint8Array(length)
    let previous = new Uint8Array(0)
    for (let offset = 0; offset < length; offset += block) {
      previous = new Uint8Array(hmac(hash, prk, previous, info, counter))
      out.set(previous.subarray(0, length - offset), offset)
      counter[0]!++
    }
    return out
  }

  return {
    hkdfExtract,
    hkdfExpand,
    hkdf: (hash, salt, ikm, info, length) => hkdfExpand(hash, hkdfExtract(hash, salt, ikm), info, length),
  }
}
