import { fromBase64, fromUtf8, toBase64, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  base64,
  canonicalJson,
  hex,
  integer,
  literal,
  list,
  object,
  parseCanonicalJson,
  text,
} from '@sotto/protocol/jcs'
import { utf8 } from '@sotto/protocol/bytes'
import type { HttpAnswer } from '../http/index.ts'

/** An answer as it came, with when. Read again like a new one each time it is used. */
export interface CachedAnswer {
  /** Unix seconds. */
  fetchedAt: number
  answer: HttpAnswer
}

/** Longest name of an entry: an address of AMD, with chip and levels twice, and a mirror's path before it. */
const MAX_KEY_CHARACTERS = 2048
/** Longest entry: the largest answer in base64, with its headers. */
const MAX_ENTRY_BYTES = 6 * 1024 * 1024
const MAX_BODY_BYTES = 4_194_304

const decodeEntry = object({
  version: literal(1),
  key: text(MAX_KEY_CHARACTERS),
  fetchedAt: integer(),
  headers: list(object({ name: text(64), value: text(16_384) }), 0, 4),
  sha256: hex(32),
  body: base64(1, MAX_BODY_BYTES),
})

/** One entry of the cache. @param headers names of the response headers to keep */
export function encodeEntry(
  key: string,
  { fetchedAt, answer }: CachedAnswer,
  headers: readonly string[],
): string {
  const kept = headers.flatMap((name) => {
    const value = answer.header(name)
    return value === null ? [] : [{ name: name.toLowerCase(), value }]
  })
  return fromUtf8(
    canonicalJson({
      version: 1,
      key,
      fetchedAt,
      headers: kept,
      sha256: toHex(crypto.sha256(answer.body)),
      body: toBase64(answer.body),
    }),
  )
}

/**
 * Reads an entry back. Undefined for anything but a whole entry of this key: another process, a full disk or
 * somebody else may have written it, so that it counts no more than an answer from the network.
 */
export function decodeEntryOf(key: string, value: string): CachedAnswer | undefined {
  try {
    const entry = decodeEntry(parseCanonicalJson(utf8(value), { maxBytes: MAX_ENTRY_BYTES }), 'entry')
    const body = fromBase64(entry.body)
    if (entry.key !== key || toHex(crypto.sha256(body)) !== entry.sha256) return undefined
    const header = (name: string): string | null =>
      entry.headers.find((kept) => kept.name === name.toLowerCase())?.value ?? null
    return { fetchedAt: entry.fetchedAt, answer: { body, header } }
  } catch {
    return undefined
  }
}
