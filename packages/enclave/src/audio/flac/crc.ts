/** CRC-8 of a frame header, polynomial 0x07 (RFC 9639 Section 9.1.8). */
export function crc8(bytes: Uint8Array, end: number): number {
  let crc = 0
  for (let i = 0; i < end; i++) crc = CRC8[crc ^ bytes[i]!]!
  return crc
}

/** CRC-16 of a frame, polynomial 0x8005 (RFC 9639 Section 9.3). */
export function crc16(bytes: Uint8Array, end: number): number {
  let crc = 0
  for (let i = 0; i < end; i++) crc = ((crc << 8) & 0xffff) ^ CRC16[(crc >>> 8) ^ bytes[i]!]!
  return crc
}

const CRC8 = Uint8Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? (crc << 1) ^ 0x07 : crc << 1
  return crc
})

const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x8005 : crc << 1
  return crc
})
