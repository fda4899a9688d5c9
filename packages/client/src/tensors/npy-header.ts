import { concat, uint, utf8 } from '@sotto/protocol/bytes'
import { MAX_RANK } from '@sotto/protocol/tensors'

/** What the header of a .npy file says of a C-ordered array of plain elements. */
export interface NpyHeader {
  /** `<` little-endian, `>` big-endian, `|` of one byte. */
  readonly order: string
  /** NumPy's letter: `b i u f`, `S` bytes, `U` Unicode. */
  readonly kind: string
  /** Bytes of an element; for `U` characters. */
  readonly size: number
  readonly shape: readonly number[]
}

/**
 * NumPy writes a Python dictionary of three members, always alike: it is matched whole, never evaluated. `fortran_order`
 * must be False.
 */
const HEADER =
  /^\{'descr': '([<>|])([biufSU])(\d{1,9})', 'fortran_order': False, 'shape': \((|\d{1,15},|\d{1,15}(?:, \d{1,15})+,?)\), ?\}[ \n]*$/
/** The magic, the version and the length stand before it, and all of it is aligned. */
const BEFORE_BYTES = 10
const ALIGNMENT = 64

/** Parses the text of a header, without its length; undefined for anything but a plain array. */
export function parseNpyHeader(bytes: Uint8Array): NpyHeader | undefined {
  const match = HEADER.exec(new TextDecoder('latin1').decode(bytes))
  if (match === null) return undefined
  const [, order, kind, size, sizes] = match
  const shape = sizes!
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
    .map(Number)
  const isOfOneByte = kind === 'S' || (kind !== 'U' && size === '1')
  // NumPy marks what has no byte order, and nothing else. Elements of no size could be any number of them.
  if (shape.length > MAX_RANK || (order === '|') !== isOfOneByte || Number(size) === 0) return undefined
  return { order: order!, kind: kind!, size: Number(size), shape }
}

/** Version, length and text of a header, padded as NumPy does. */
export function writeNpyHeader({ order, kind, size, shape }: NpyHeader): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${order}${kind}${size}', 'fortran_order': False, 'shape': (${sizes}), }`
  const length = Math.ceil((BEFORE_BYTES + text.length + 1) / ALIGNMENT) * ALIGNMENT - BEFORE_BYTES
  const header = utf8(`${text.padEnd(length - 1)}\n`)
  return concat(Uint8Array.of(1, 0), uint(length, 2).toReversed(), header)
}
