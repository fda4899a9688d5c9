/** G.711 A-law byte as a number in [-1, 1] (ITU-T G.711, Table 1a). */
export function decodeALaw(byte: number): number {
  return A_LAW[byte]!
}

/** G.711 mu-law byte as a number in [-1, 1] (ITU-T G.711, Table 2a). */
export function decodeMuLaw(byte: number): number {
  return MU_LAW[byte]!
}

const A_LAW = Float32Array.from({ length: 256 }, (_, byte) => {
  const code = byte ^ 0x55
  const segment = (code & 0x70) >> 4
  const step = (code & 0x0f) << 4
  const magnitude = segment === 0 ? step + 8 : (step + 0x108) << (segment - 1)
  return (code & 0x80 ? magnitude : -magnitude) / 32_768
})

const MU_LAW = Float32Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
  return (code & 0x80 ? -magnitude : magnitude) / 32_768
})
