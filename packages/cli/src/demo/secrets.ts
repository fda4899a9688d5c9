import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8 } from '@sotto/protocol/bytes'
import { ANSWER_MARKS, INNER_MARKS, REQUEST_MARKS } from './marks.ts'

/** What whoever finds it would have learnt. */
export type SecretKind = 'request' | 'answer' | 'inner' | 'client' | 'weights'

/** Every kind, in the order of the table. */
export const SECRET_KINDS: readonly SecretKind[] = ['request', 'answer', 'inner', 'client', 'weights']

/** A shorter needle would be found by chance in a few megabytes of ciphertext. */
export const MIN_NEEDLE_BYTES = 8

/** Byte strings of at least {@link MIN_NEEDLE_BYTES} that give a secret away wherever one of them stands. */
export interface Secrets extends Record<SecretKind, Uint8Array[]> {
  /** Anything of the requests: recording, text, prompt, and how a request body begins. */
  request: Uint8Array[]
  /** Anything of the answers: their words, and the frames they come in, of which one may hold a single token. */
  answer: Uint8Array[]
  /** Inner paths, model names, header names, status codes of errors, and the framing around them. */
  inner: Uint8Array[]
  /** What the client's own headers carried: agent, key. */
  client: Uint8Array[]
  /** Pieces of every model's weights, close enough together for any 4 KiB of them to hold one. */
  weights: Uint8Array[]
}

/** What went through the stack. */
export interface Plaintext {
  /** Texts and recordings that were sent. */
  requests: readonly (string | Uint8Array)[]
  answers: readonly string[]
  /** Header values that must not arrive anywhere. */
  headers: readonly string[]
  weights: readonly Uint8Array[]
  /** Identifiers of the models. */
  models: readonly string[]
}

/** Everything to look for once this went through. */
export function secretsOf({ requests, answers, headers, weights, models }: Plaintext): Secrets {
  return {
    request: [
      ...requests.flatMap((content) => (typeof content === 'string' ? piecesOf(content) : slicesOf(content))),
      ...REQUEST_MARKS,
    ],
    answer: [...answers.flatMap(piecesOf), ...ANSWER_MARKS],
    inner: [...models.map(utf8), ...INNER_MARKS],
    client: headers.flatMap(piecesOf),
    weights: weights.flatMap(slicesOf),
  }
}

/** Identifiers and weights of the models in a folder. */
export async function readModels(folder: string): Promise<Pick<Plaintext, 'models' | 'weights'>> {
  const models: string[] = []
  const weights: Uint8Array[] = []
  for (const name of await readdir(folder)) {
    // The inputs of the demo lie there too, and are no model.
    const text = await readFile(join(folder, name, 'manifest.json'), 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const { id, files } = JSON.parse(text) as { id: string; files: { name: string; role: string }[] }
    models.push(id)
    for (const file of files.filter(({ role }) => role === 'weights'))
      weights.push(await readFile(join(folder, name, file.name)))
  }
  return { models, weights }
}

/** Long enough not to occur by chance, short enough that three words of a leak are found. */
const PIECE_BYTES = 16
/** Fewer distinct bytes in a piece are padding, silence or a line of dashes, which stand anywhere. */
const MIN_DISTINCT = 6

/** Every piece of a text, wherever it begins; a short text is one piece. */
export function piecesOf(text: string): Uint8Array[] {
  const bytes = utf8(text.trim())
  if (bytes.length < PIECE_BYTES) return bytes.length < MIN_NEEDLE_BYTES ? [] : [bytes]
  return Array.from({ length: bytes.length - PIECE_BYTES + 1 }, (_, at) =>
    bytes.subarray(at, at + PIECE_BYTES),
  ).filter((piece) => new Set(piece).size >= MIN_DISTINCT)
}

const SLICE_BYTES = 32
/** Distance of slices. Any stretch of twice this length holds a whole cell, and so its slice. */
const CELL_BYTES = 256
/** So many distinct bytes make a slice a needle, and so many make it a good one. */
const MIN_DISTINCT_IN_SLICE = 9
const GOOD_DISTINCT_IN_SLICE = 16
/** A single sample in silence is no needle: evidence and databases have a byte before many zeros too. */
const MIN_CHANGES_IN_CELL = 16

/**
 * One slice of every 256 bytes of a file: one with many distinct bytes, or all of them where they are too
 * plain (silence, a table of ones). None where nearly every byte is the same.
 */
export function slicesOf(bytes: Uint8Array): Uint8Array[] {
  const slices: Uint8Array[] = []
  for (let cell = 0; cell < bytes.length; cell += CELL_BYTES) {
    const whole = bytes.subarray(cell, cell + CELL_BYTES)
    let best = changesIn(whole) >= MIN_CHANGES_IN_CELL ? whole : undefined
    let distinct = MIN_DISTINCT_IN_SLICE - 1
    for (
      let at = 0;
      at <= whole.length - SLICE_BYTES && distinct < GOOD_DISTINCT_IN_SLICE;
      at += SLICE_BYTES
    ) {
      const slice = whole.subarray(at, at + SLICE_BYTES)
      const { size } = new Set(slice)
      if (size > distinct) [best, distinct] = [slice, size]
    }
    if (best) slices.push(withoutLeadingRun(best))
  }
  return slices
}

/** How often a byte is not the one before it. */
function changesIn(bytes: Uint8Array): number {
  let changes = 0
  for (let at = 1; at < bytes.length; at++) if (bytes[at] !== bytes[at - 1]) changes++
  return changes
}

/** From where the bytes begin to differ: a needle that begins like a page of zeros costs a look at each of them. */
function withoutLeadingRun(bytes: Uint8Array): Uint8Array {
  let at = 0
  while (at + 1 < bytes.length && bytes[at] === bytes[at + 1]) at++
  return bytes.subarray(at)
}
