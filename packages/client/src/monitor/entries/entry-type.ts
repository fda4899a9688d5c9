import { decodeDocument } from '@sotto/protocol/keyrelease'
import type { Decoder } from '@sotto/protocol/jcs'

/** One kind of entry, as it is shown. */
export interface EntryType {
  /** For people and for counts. */
  name: string
  /** The document. Whoever signed it is not checked here. @throws when it is none */
  decode(payload: Uint8Array): object
  /** What it says, on one line. */
  describe(document: never): string
}

/** A kind of entry that one decoder reads. */
export function entryType<T extends object>(
  name: string,
  decoder: Decoder<T>,
  describe: (document: T) => string,
): EntryType {
  return { name, decode: (payload) => decodeDocument(payload, decoder, name), describe }
}

/** Unix seconds as people write them. */
export function instant(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString().replace('.000Z', 'Z')
}
