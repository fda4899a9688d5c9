/** An integer: a number where it is safe, a bigint beyond, so that each has one form. */
export type CborInteger = number | bigint

/** What may name an entry of a map: the formats here use nothing else. */
export type CborKey = CborInteger | string

/** Entries in the order they were read. */
export type CborMap = ReadonlyMap<CborKey, CborValue>

/** A tagged value (RFC 8949 Section 3.4). The number is not interpreted. */
export class CborTag {
  readonly tag: CborInteger
  readonly value: CborValue

  constructor(tag: CborInteger, value: CborValue) {
    this.tag = tag
    this.value = value
  }
}

/** Values of the formats here: no fractions, no undefined, no simple values. */
export type CborValue =
  | CborInteger
  | Uint8Array
  | string
  | boolean
  | null
  | readonly CborValue[]
  | CborMap
  | CborTag

/** Major types (RFC 8949 Section 3.1). */
export const MAJOR = {
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const
