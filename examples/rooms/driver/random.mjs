/** Numbers that a seed decides, for data that are the same again. Nothing secret comes of them. */

/**
 * @param {string} seed any text
 */
export function createRandom(seed) {
  let state = hashOf(seed)
  // mulberry32, by Tommy Ettinger.
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (min, max) => min + Math.floor(next() * (max - min + 1))
  return {
    /** A whole number, both ends included. */
    integer,
    /** @template T @param {readonly T[]} list @returns {T} */
    pick: (list) => list[integer(0, list.length - 1)],
    /** True with this probability. */
    chance: (probability) => next() < probability,
    /** So many hexadecimal digits. */
    hex: (digits) => Array.from({ length: digits }, () => integer(0, 15).toString(16)).join(''),
  }
}

/** FNV-1a of 32 bits. */
function hashOf(text) {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
