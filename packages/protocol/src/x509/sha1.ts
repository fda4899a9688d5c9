/**
 * SHA-1 (FIPS 180-4 Section 6.1) for two fields of OCSP that only *find* something: `KeyHash` names the
 * responder among a few certificates, and a `CertID` may name the certificate with it. A collision makes
 * nobody trusted: signatures over the whole answer and over the responder's certificate decide. SHA-1 is
 * not a hash of the cryptographic backend so that no signature can ever use it.
 */
export function sha1(message: Uint8Array): Uint8Array {
  const blocks = Math.ceil((message.length + 9) / 64)
  const padded = new Uint8Array(blocks * 64)
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(message.length / 0x2000_0000))
  view.setUint32(padded.length - 4, message.length << 3)

  const state = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0])
  const schedule = new Uint32Array(80)
  for (let block = 0; block < blocks; block++) {
    for (let t = 0; t < 16; t++) schedule[t] = view.getUint32(block * 64 + t * 4)
    for (let t = 16; t < 80; t++)
      schedule[t] = rotate(schedule[t - 3]! ^ schedule[t - 8]! ^ schedule[t - 14]! ^ schedule[t - 16]!, 1)
    let [a = 0, b = 0, c = 0, d = 0, e = 0] = state
    for (let t = 0; t < 80; t++) {
      const next = (rotate(a, 5) + mix(t, b, c, d) + e + ROUND[Math.floor(t / 20)]! + schedule[t]!) | 0
      e = d
      d = c
      c = rotate(b, 30)
      b = a
      a = next
    }
    state[0]! += a
    state[1]! += b
    state[2]! += c
    state[3]! += d
    state[4]! += e
  }
  const digest = new DataView(new ArrayBuffer(20))
  state.forEach((word, index) => digest.setUint32(index * 4, word))
  return new Uint8Array(digest.buffer)
}

const ROUND = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6] as const

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

/** Functions f of Section 4.1.1. */
function mix(t: number, x: number, y: number, z: number): number {
  if (t < 20) return (x & y) ^ (~x & z)
  if (t >= 40 && t < 60) return (x & y) ^ (x & z) ^ (y & z)
  return x ^ y ^ z
}
