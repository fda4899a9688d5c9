import { badInput } from './errors.ts'

const MAX_LENGTH = 1 << 20
/** What getRandomValues gives in one call. */
const CALL_LENGTH = 65536

/** Bytes from the browser's generator. */
export function randomBytes(length: number): Uint8Array {
  if (!Number.isInteger(length) || length < 0 || length > MAX_LENGTH) {
    throw badInput('length of random bytes is out of range', {
      expected: `0 to ${MAX_LENGTH}`,
      found: `${length}`,
    })
  }
  const out = new Uint8Array(length)
  for (let offset = 0; offset < length; offset += CALL_LENGTH) {
    globalThis.crypto.getRandomValues(out.subarray(offset, offset + CALL_LENGTH))
  }
  return out
}
