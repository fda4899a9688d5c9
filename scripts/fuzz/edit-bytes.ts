import { concat } from '@sotto/protocol/bytes'
import { Random } from './random.ts'

/** Values at the edges of what lengths, counts and signs can be. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]
const LENGTHS = [1, 1, 2, 2, 7, 7, 64, 64, 1024]
/** Past 16 bits, and seldom: most of the time would go into such inputs. */
const LONG = 70_000
const NOISE = noise(2 * LONG)

type Edit = (bytes: Uint8Array, random: Random, others: readonly { bytes: Uint8Array }[]) => Uint8Array

const EDITS: readonly Edit[] = [
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
]

/** One change anywhere, whatever the bytes mean. */
export function editBytes(
  bytes: Uint8Array,
  random: Random,
  others: readonly { bytes: Uint8Array }[],
): Uint8Array {
  return random.pick(EDITS)(bytes, random, others)
}

export function flipBit(bytes: Uint8Array, random: Random): Uint8Array {
  const out = bytes.slice()
  if (out.length > 0) out[random.below(out.length)]! ^= 1 << random.below(8)
  return out
}

function setByte(bytes: Uint8Array, random: Random): Uint8Array {
  const out = bytes.slice()
  if (out.length > 0) out[random.below(out.length)] = random.pick(EDGES) & 0xff
  return out
}

export function setNumber(bytes: Uint8Array, random: Random): Uint8Array {
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
  const length = random.below(64) === 0 ? LONG : random.pick(LENGTHS)
  const from = random.below(LONG)
  const extra = random.below(2) ? new Uint8Array(length) : NOISE.subarray(from, from + length)
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

export function truncate(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.subarray(0, random.below(bytes.length))
}

function swapRanges(bytes: Uint8Array, random: Random): Uint8Array {
  const [one, other] = [random.below(bytes.length), random.below(bytes.length)]
  const [a, b] = [Math.min(one, other), Math.max(one, other)]
  return concat(bytes.subarray(b), bytes.subarray(a, b), bytes.subarray(0, a))
}

function splice(bytes: Uint8Array, random: Random, others: readonly { bytes: Uint8Array }[]): Uint8Array {
  const other = random.pick(others).bytes
  return concat(bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length)))
}

function noise(length: number): Uint8Array {
  const random = new Random(1)
  return Uint8Array.from({ length }, () => random.next())
}
