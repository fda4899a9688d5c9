import { editBytes } from './edit-bytes.ts'
import { cborSpans, editCbor } from './edit-cbor.ts'
import { derSpans, editDer } from './edit-der.ts'
import { editJson, jsonSpans, type JsonSpan } from './edit-json.ts'
import { editInnerBase64, editText } from './edit-text.ts'
import type { Random } from './random.ts'
import type { Span } from './spans.ts'

/** Longest input that mutations grow to. */
const MAX_BYTES = 256 * 1024

/** A valid input with what is known of its structure, found once. */
export interface Seed {
  bytes: Uint8Array
  /** One character per byte, where it is a text. */
  text: string | undefined
  json: JsonSpan[]
  der: Span[]
  cbor: Span[]
}

/** Reads the structure of a valid input. */
export function prepareSeed(bytes: Uint8Array): Seed {
  const text = isText(bytes) ? Buffer.from(bytes).toString('latin1') : undefined
  const json = text === undefined ? [] : jsonSpans(text)
  const der = text === undefined ? derSpans(bytes) : []
  return {
    bytes,
    text,
    json,
    der: der.length > 2 ? der : [],
    cbor: text === undefined && der.length <= 2 ? cborSpans(bytes) : [],
  }
}

/**
 * One to four changes to a valid input. The first knows its structure most of the time; half of all inputs have
 * no other, so that they get past the first check.
 */
export function mutate(seed: Seed, random: Random, others: readonly Seed[]): Uint8Array {
  let bytes =
    random.below(4) > 0 ? editStructure(seed, random, others) : editBytes(seed.bytes, random, others)
  for (let more = random.below(8); more > 3 && bytes.length > 0; more -= 2) {
    const isLarge = bytes.length > MAX_BYTES
    if (isLarge) bytes = bytes.subarray(0, MAX_BYTES)
    bytes = isText(bytes) && random.below(3) > 0 ? editText(bytes, random) : editBytes(bytes, random, others)
  }
  return bytes.length > MAX_BYTES ? bytes.subarray(0, MAX_BYTES) : bytes
}

function editStructure(seed: Seed, random: Random, others: readonly Seed[]): Uint8Array {
  if (seed.json.length > 0 && random.below(4) > 0) return editJson(seed.text!, seed.json, random)
  if (seed.text !== undefined)
    return random.below(3) > 0
      ? editText(seed.bytes, random, seed.text)
      : editInnerBase64(seed.bytes, random, others, seed.text)
  if (seed.der.length > 0) return editDer(seed.bytes, random, seed.der)
  if (seed.cbor.length > 0) return editCbor(seed.bytes, random, seed.cbor)
  return editBytes(seed.bytes, random, others)
}

function isText(bytes: Uint8Array): boolean {
  const end = Math.min(bytes.length, 64)
  for (let i = 0; i < end; i++) {
    const byte = bytes[i]!
    if (byte > 0x7e || (byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return false
  }
  return end > 0
}
