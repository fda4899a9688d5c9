import { concat, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'

/** An event to write; its digest is that of its data when left out. */
export interface WrittenEvent {
  index: number
  type: number
  data?: Uint8Array
  digest?: Uint8Array
  /** Algorithm of the digest. Default SHA-384. */
  algorithm?: number
  /** Number of digests that it claims to have. Default 1. */
  count?: number
}

const SHA384 = 0x0c
export const EV = {
  noAction: 3,
  separator: 4,
  ipl: 0x0d,
  variableBoot: 0x8000_0002,
  action: 0x8000_0007,
} as const

/** A CC event log with SHA-384 digests. */
export function writeCcel(
  events: readonly WrittenEvent[],
  {
    filling = new Uint8Array(64).fill(0xff) as Uint8Array,
    algorithms = [[SHA384, 48]] as readonly (readonly [number, number])[],
  } = {},
): Uint8Array {
  const specId = concat(
    utf8('Spec ID Event03\0'),
    new Uint8Array(4),
    Uint8Array.of(0, 2, 0, 2),
    uint32(algorithms.length),
    ...algorithms.map(([id, length]) => concat(uint16(id), uint16(length))),
    Uint8Array.of(0),
  )
  const header = concat(uint32(1), uint32(EV.noAction), new Uint8Array(20), uint32(specId.length), specId)
  return concat(header, ...events.map(writeEvent), filling)
}

function writeEvent({
  index,
  type,
  data = new Uint8Array(0),
  digest,
  algorithm = SHA384,
  count = 1,
}: WrittenEvent): Uint8Array {
  return concat(
    uint32(index),
    uint32(type),
    uint32(count),
    uint16(algorithm),
    digest ?? crypto.sha384(data),
    uint32(data.length),
    data,
  )
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff)
}

function uint32(value: number): Uint8Array {
  return concat(uint16(value & 0xffff), uint16(value >>> 16))
}
