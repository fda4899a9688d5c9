import { concat } from '@sotto/protocol/bytes'
import { editDer } from './edit-der.ts'
import { editText } from './edit-text.ts'
import type { Random } from './random.ts'

/** Longest input that mutations grow to. */
const MAX_BYTES = 256 * 1024
/** Values at the edges of what lengths, counts and signs can be. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]

type Mutation = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setNumber,
  setNumber,
  insertBytes,
  removeRange,
  repeatRange,
  truncate,
  swapRanges,
  splice,
  editDer,
  editDer,
  editDer,
  editInnerBase64,
]

/** One to four changes to a valid input: some anywhere, some that know DER, text or base64. */
export function mutate(seed: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  let bytes = seed
  for (let count = 1 + random.below(4); count > 0; count--) {
    const mutation = isText(bytes) && random.below(3) > 0 ? editText : random.pick(MUTATIONS)
    bytes = mutation(bytes, random, others)
    if (bytes.length > MAX_BYTES) bytes = bytes.subarray(0, MAX_BYTES)
  }
  return bytes
}

function flipBit(bytes: Uint8Array, random: Random): Uint8Array {
  const out = bytes.slice()
  if (out.length > 0) out[random.below(out.length)]! ^= 1 << random.below(8)
  return out
}

function setByte(bytes: Uint8Array, random: Random): Uint8Array {
  const out = bytes.slice()
  if (out.length > 0) out[random.below(out.length)] = random.pick(EDGES) & 0xff
  return out
}

function setNumber(bytes: Uint8Array, random: Random): Uint8Array {
  const width = random.pick([2, 4, 8])
  if (bytes.length < width) return flipBit(bytes, random)
  const out = bytes.slice()
  const view = new DataView(out.buffer)
  const at = random.below(out.length - width + 1)
  const value = random.below(2) ? random.pick(EDGES) : out.length + random.below(9) - 4
  const isLittle = random.below(2) === 1
  if (width === 2) view.setUint16(at, value & 0xffff, isLittle)
  else if (width === 4) view.setUint32(at, value >>> 0, isLittle)
  else view.setBigUint64(at, BigInt(value >>> 0) << BigInt(random.pick([0, 32])), isLittle)
  return out
}

function insertBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1)
  const extra = new Uint8Array(random.pick([1, 2, 7, 64, 1024, 70_000]))
  if (random.below(2)) for (let i = 0; i < extra.length; i++) extra[i] = random.next() & 0xff
  return concat(bytes.subarray(0, at), extra, bytes.subarray(at))
}

function removeRange(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length)
  return concat(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(random.pick([1, 16, 512]))))
}

function repeatRange(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length)
  const range = bytes.subarray(at, at + 1 + random.below(256))
  const times = random.pick([1, 2, 100])
  return concat(bytes.subarray(0, at), ...Array.from({ length: times }, () => range), bytes.subarray(at))
}

function truncate(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.subarray(0, random.below(bytes.length))
}

function swapRanges(bytes: Uint8Array, random: Random): Uint8Array {
  const [a, b] = [random.below(bytes.length), random.below(bytes.length)].toSorted((x, y) => x - y)
  return concat(bytes.subarray(b), bytes.subarray(a, b), bytes.subarray(0, a))
}

function splice(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  const other = random.pick(others)
  return concat(bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length)))
}

/** Changes what a base64 run of a text holds, as DER where it is. */
function editInnerBase64(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  if (!isText(bytes)) return editDer(bytes, random)
  // One character per byte: what mutations have made of the text need not be UTF-8 any more.
  const text = Buffer.from(bytes).toString('latin1')
  const runs = [...text.matchAll(/[A-Za-z0-9+/_-]{40,}={0,2}/g)].slice(0, 200)
  if (runs.length === 0) return editText(bytes, random)
  const run = random.pick(runs)
  const form = /[_-]/.test(run[0]) ? 'base64url' : 'base64'
  const inner = new Uint8Array(Buffer.from(run[0], form))
  const changed = random.pick([editDer, flipBit, setNumber, truncate, splice])(inner, random, others)
  const encoded = Buffer.from(changed).toString(form)
  const [before, after] = [text.slice(0, run.index), text.slice(run.index + run[0].length)]
  return new Uint8Array(Buffer.from(before + encoded + after, 'latin1'))
}

function isText(bytes: Uint8Array): boolean {
  for (const byte of bytes.subarray(0, 64))
    if (byte > 0x7e || (byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return false
  return bytes.length > 0
}
