import type { ByteStream } from '../byte-stream.ts'
import { cutShort, malformed } from '../errors.ts'

/** One page of an Ogg stream (RFC 3533 Section 6). */
export interface OggPage {
  /** First packet begins on an earlier page. */
  readonly isContinued: boolean
  readonly isFirst: boolean
  readonly isLast: boolean
  /** Position after the last packet completed here; undefined when none is. Its unit is the codec's. */
  readonly granule: number | undefined
  readonly serial: number
  readonly sequence: number
  /** Lacing values. */
  readonly segments: Uint8Array
  readonly body: Uint8Array
}

const HEADER_BYTES = 27

/**
 * Reads the next page (a copy) and checks its CRC; undefined at the end of the source.
 *
 * @throws `AUDIO_MALFORMED`
 */
export async function readOggPage(input: ByteStream): Promise<OggPage | undefined> {
  if (!(await input.ensure(1))) return undefined
  if (!(await input.ensure(HEADER_BYTES))) throw cutShort('an Ogg page')
  if (!startsPage(input.window)) throw malformed('an Ogg page does not begin with its capture pattern')
  const count = input.window[26]!
  if (!(await input.ensure(HEADER_BYTES + count))) throw cutShort('an Ogg page')
  let length = HEADER_BYTES + count
  for (let i = 0; i < count; i++) length += input.window[HEADER_BYTES + i]!
  const bytes = (await input.take(length, 'an Ogg page')).slice()

  const view = new DataView(bytes.buffer)
  const flags = bytes[5]!
  if (bytes[4] !== 0 || flags > 7) throw malformed('an Ogg page has an unknown version or flag')
  if (view.getUint32(22, true) !== oggCrc(bytes)) throw malformed('an Ogg page fails its checksum')
  return {
    isContinued: (flags & 1) !== 0,
    isFirst: (flags & 2) !== 0,
    isLast: (flags & 4) !== 0,
    granule: readGranule(view),
    serial: view.getUint32(14, true),
    sequence: view.getUint32(18, true),
    segments: bytes.subarray(HEADER_BYTES, HEADER_BYTES + count),
    body: bytes.subarray(HEADER_BYTES + count),
  }
}

/** Whether these bytes begin an Ogg page. */
export function startsPage(bytes: Uint8Array): boolean {
  return bytes[0] === 0x4f && bytes[1] === 0x67 && bytes[2] === 0x67 && bytes[3] === 0x53
}

function readGranule(view: DataView): number | undefined {
  const granule = view.getBigInt64(6, true)
  if (granule === -1n) return undefined
  if (granule < 0n || granule > BigInt(Number.MAX_SAFE_INTEGER))
    throw malformed('an Ogg page has an impossible position')
  return Number(granule)
}

/** CRC-32 with polynomial 0x04c11db7, not reflected, over the page with its own CRC field as zeros. */
function oggCrc(page: Uint8Array): number {
  let crc = 0
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : page[i]!
    crc = ((crc << 8) ^ TABLE[(crc >>> 24) ^ byte]!) >>> 0
  }
  return crc
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1
  return crc >>> 0
})
