import { formsOf } from './forms.ts'
import { MIN_NEEDLE_BYTES, SECRET_KINDS, type SecretKind, type Secrets } from './secrets.ts'

/** Whether each kind of secret stood in some bytes. */
export type Found = Record<SecretKind, boolean>

/** Looks for every secret in bytes, in every form of {@link formsOf}. */
export type Search = (bytes: Buffer) => Found

/** Bits of the filter: with ten thousand needles one offset in a hundred passes it. */
const FILTER_BITS = 20

interface Needle {
  kind: SecretKind
  bytes: Uint8Array
}

/**
 * Prepares a search for all secrets at once: a pass over the bytes costs the same for ten needles and
 * for ten thousand, so pieces can lie as close together as a claim about any piece needs.
 */
export function createSearch(secrets: Secrets): Search {
  const filter = new Uint8Array(1 << FILTER_BITS)
  const byStart = new Map<number, Needle[]>()
  for (const kind of SECRET_KINDS) {
    for (const bytes of secrets[kind]) {
      if (bytes.length < MIN_NEEDLE_BYTES)
        throw new TypeError(`a needle of ${bytes.length} bytes proves nothing`)
      const start = ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0
      filter[slotOf(start)] = 1
      const known = byStart.get(start)
      if (known) known.push({ kind, bytes })
      else byStart.set(start, [{ kind, bytes }])
    }
  }
  const scan = (bytes: Buffer, found: Found): void => {
    let last = 0
    for (let i = 0; i < bytes.length; i++) {
      last = ((last << 8) | bytes[i]!) >>> 0
      if (filter[slotOf(last)] === 0 || i < 3) continue
      for (const needle of byStart.get(last) ?? [])
        if (!found[needle.kind] && standsAt(bytes, i - 3, needle.bytes)) found[needle.kind] = true
    }
  }
  return (bytes) => {
    const found = nothingFound()
    for (const form of formsOf(bytes)) scan(form, found)
    return found
  }
}

/** The result of a search that found nothing. */
export function nothingFound(): Found {
  return { request: false, answer: false, inner: false, client: false, weights: false }
}

/** Adds what one search found to a sum. */
export function addFound(sum: Found, found: Found): void {
  for (const kind of SECRET_KINDS) sum[kind] ||= found[kind]
}

function slotOf(start: number): number {
  return Math.imul(start, 0x9e37_79b1) >>> (32 - FILTER_BITS)
}

function standsAt(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  if (at + needle.length > bytes.length) return false
  for (let i = 4; i < needle.length; i++) if (bytes[at + i] !== needle[i]) return false
  return true
}
