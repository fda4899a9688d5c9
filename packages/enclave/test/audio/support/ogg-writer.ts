import { bytesOf, le } from './bytes.ts'

/** A page as tests see it: no checksum, which writing computes. */
export interface TestPage {
  flags: number
  granule: bigint
  serial: number
  sequence: number
  segments: number[]
  body: Uint8Array
}

/** Pages of a well-formed Ogg file. */
export function readPages(file: Uint8Array): TestPage[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const pages: TestPage[] = []
  for (let at = 0; at < file.length;) {
    const segments = [...file.subarray(at + 27, at + 27 + file[at + 26]!)]
    const start = at + 27 + segments.length
    const end = start + segments.reduce((sum, value) => sum + value, 0)
    pages.push({
      flags: file[at + 5]!,
      granule: view.getBigInt64(at + 6, true),
      serial: view.getUint32(at + 14, true),
      sequence: view.getUint32(at + 18, true),
      segments,
      body: file.slice(start, end),
    })
    at = end
  }
  return pages
}

/** Packets of a file with one stream. */
export function readPackets(file: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = []
  let parts: Uint8Array[] = []
  for (const page of readPages(file)) {
    let at = 0
    for (const value of page.segments) {
      parts.push(page.body.subarray(at, (at += value)))
      if (value === 255) continue
      packets.push(bytesOf(...parts))
      parts = []
    }
  }
  return packets
}

/** An Ogg file of these pages, with right checksums. */
export function writePages(pages: readonly TestPage[]): Uint8Array<ArrayBuffer> {
  return bytesOf(...pages.map(writePage))
}

/** A page holding whole packets, each of at most 254 bytes in its last segment. */
export function pageOf(
  packets: readonly Uint8Array[],
  { flags = 0, granule = 0n, serial = 1, sequence = 0 }: Partial<TestPage> = {},
): TestPage {
  const segments = packets.flatMap((packet) => [
    ...Array<number>(Math.floor(packet.length / 255)).fill(255),
    packet.length % 255,
  ])
  return { flags, granule, serial, sequence, segments, body: bytesOf(...packets) }
}

function writePage(page: TestPage): Uint8Array {
  const bytes = bytesOf(
    'OggS',
    0,
    page.flags,
    new Uint8Array(new BigInt64Array([page.granule]).buffer),
    le(page.serial, 4),
    le(page.sequence, 4),
    le(0, 4),
    page.segments.length,
    Uint8Array.from(page.segments),
    page.body,
  )
  bytes.set(le(checksum(bytes), 4), 22)
  return bytes
}

/** The checksum bit by bit, as RFC 3533 describes it. */
function checksum(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 24
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1
  }
  return crc >>> 0
}
