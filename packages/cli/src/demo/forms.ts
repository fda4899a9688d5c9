/** Chunk framing of HTTP/1.1 between two pieces of content (RFC 9112 Section 7.1). */
const CHUNK_FRAMING = /\r\n[0-9a-f]{1,8}(?:;[^\r\n]{0,64})?\r\n/gi
/** Both alphabets; shorter runs hold no needle. */
const BASE64_RUN = /[A-Za-z0-9+/_-]{12,}/g
const HEX_RUN = /(?:[0-9a-f]{2}){8,}[0-9a-f]?/gi
/** The words of streamed answers: OpenAI's, this product's, and those an engine writes. */
const STREAMED_WORDS = /"(?:content|text|delta|token)":"((?:[^"\\]|\\.)*)"/g

/**
 * The forms in which bytes on a wire or a disk may hold something in clear: as they are, without chunk
 * framing, what was base64 or hexadecimal, and of each the words of a stream joined. A leak that was
 * compressed, or encrypted with a key that is known, is not found this way.
 */
export function* formsOf(bytes: Buffer): Generator<Buffer> {
  yield bytes
  // One character for each byte.
  const text = bytes.toString('latin1')
  yield* wordsIn(text)
  yield* decodedRuns(text)
  const whole = text.replaceAll(CHUNK_FRAMING, '')
  if (whole.length === text.length) return
  yield Buffer.from(whole, 'latin1')
  yield* wordsIn(whole)
  yield* decodedRuns(whole)
}

function* wordsIn(text: string): Generator<Buffer> {
  const words = [...text.matchAll(STREAMED_WORDS)].map(([, word]) => word!)
  if (words.length > 0) yield Buffer.from(words.join(''), 'latin1')
}

/** A run may begin anywhere in the encoding of something longer, so each alignment is decoded. */
function* decodedRuns(text: string): Generator<Buffer> {
  for (const [run] of text.matchAll(BASE64_RUN))
    for (let skip = 0; skip < 4; skip++) yield* decoded(run.slice(skip), 'base64')
  for (const [run] of text.matchAll(HEX_RUN))
    for (let skip = 0; skip < 2; skip++) yield* decoded(run.slice(skip), 'hex')
}

function* decoded(run: string, encoding: 'base64' | 'hex'): Generator<Buffer> {
  const bytes = Buffer.from(run, encoding)
  yield bytes
  yield* wordsIn(bytes.toString('latin1'))
}
