import { toHex } from '@sotto/protocol/bytes'

/** What was brought lately, so that work is begun for each of it once. */
export interface Brought {
  /** Whether it was not brought yet, as far as is remembered. */
  add(nonce: Uint8Array): boolean
}

/** @param max how many are remembered: of more the oldest are forgotten. Only whoever has as many good tokens gets there */
export function createBrought(max: number): Brought {
  const known = new Set<string>()
  return {
    add(nonce) {
      const name = toHex(nonce)
      if (known.has(name)) return false
      known.add(name)
      if (known.size > max) for (const oldest of known) return known.delete(oldest)
      return true
    },
  }
}
