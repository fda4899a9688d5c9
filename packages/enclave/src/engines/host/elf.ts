import { engineError } from '../errors.ts'

/** Bytes of a file that may be a program. Whoever put it there controls them, until its digest has been compared. */
export interface ElfFile {
  /** Of the whole file, bytes. */
  readonly size: number
  /** `length` bytes at `offset`; fewer where the file ends. */
  read(offset: number, length: number): Uint8Array
}

/** What a program has the system load beside itself. */
export interface ElfLoads {
  /** The dynamic linker it asks the kernel for (`PT_INTERP`); undefined: none. */
  readonly interpreter: string | undefined
  /** Libraries by the names it has for them, at most {@link MAX_DYNAMIC}. */
  readonly libraries: readonly string[]
}

const HEADER_BYTES = 64
const SEGMENT_BYTES = 56
/** Programs have a dozen. The kernel takes 64 KiB of them. */
const MAX_SEGMENTS = 128
const ENTRY_BYTES = 16
/** Entries of a dynamic section at most; programs of a hundred libraries have two hundred. */
const MAX_DYNAMIC = 4096
/** Characters of a path or name at most: PATH_MAX of the kernel. */
const MAX_NAME = 4096

const TYPES = { executable: 2, shared: 3 } as const
const SEGMENT = { load: 1, dynamic: 2, interpreter: 3 } as const
const TAG = { end: 0, needed: 1, strings: 5, stringsSize: 10 } as const
/** DT_NEEDED, DT_DEPAUDIT, DT_AUDIT, DT_AUXILIARY and DT_FILTER: each names a library that is loaded. */
const NAMING: ReadonlySet<number> = new Set([TAG.needed, 0x6ffffefb, 0x6ffffefc, 0x7ffffffd, 0x7fffffff])

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/**
 * Reads what an ELF program (System V ABI, gABI 4.1, chapters 4 and 5; 64 bits, little-endian) has loaded when it is
 * started: what the kernel and a dynamic linker look at, and nothing of its sections, which neither does.
 * @throws `ENGINE_PROGRAM_NOT_STATIC` (stop) for anything but such a program
 */
export function readElfLoads(file: ElfFile): ElfLoads {
  const segments = readSegments(file)
  const interpreters = segments.filter(({ type }) => type === SEGMENT.interpreter)
  const dynamics = segments.filter(({ type }) => type === SEGMENT.dynamic)
  if (interpreters.length > 1 || dynamics.length > 1)
    throw malformed('a segment of which there is one comes twice')
  return {
    interpreter: interpreters[0] && nameAt(file, interpreters[0].offset, interpreters[0].size),
    libraries: dynamics[0] ? readLibraries(file, dynamics[0], segments) : [],
  }
}

function readSegments(file: ElfFile): Segment[] {
  const head = viewOf(file, 0, HEADER_BYTES)
  if (head.getUint32(0) !== 0x7f454c46) throw malformed('it does not begin as one')
  const [bits, order, version, system] = [4, 5, 6, 7].map((at) => head.getUint8(at))
  if (bits !== 2 || order !== 1 || version !== 1) throw malformed('it is not one of 64 bits, little-endian')
  if (system !== 0 && system !== 3) throw malformed('it is for another system')
  const type = head.getUint16(16, true)
  if (type !== TYPES.executable && type !== TYPES.shared) throw malformed('it is no program')
  if (head.getUint32(20, true) !== 1 || head.getUint16(52, true) !== HEADER_BYTES)
    throw malformed('its header is of another version')
  const count = head.getUint16(56, true)
  if (head.getUint16(54, true) !== SEGMENT_BYTES || count < 1 || count > MAX_SEGMENTS)
    throw malformed('its program headers are out of bounds')
  const table = viewOf(file, wholeAt(head, 32), count * SEGMENT_BYTES)
  return Array.from({ length: count }, (_, index) => {
    const at = index * SEGMENT_BYTES
    const [offset, address, size] = [8, 16, 32].map((field) => wholeAt(table, at + field)) as [
      number,
      number,
      number,
    ]
    if (offset + size > file.size) throw malformed('a segment ends behind the file')
    return { type: table.getUint32(at, true), offset, address, size }
  })
}

function readLibraries(file: ElfFile, { offset, size }: Segment, segments: readonly Segment[]): string[] {
  if (size % ENTRY_BYTES !== 0 || size > MAX_DYNAMIC * ENTRY_BYTES)
    throw malformed('its dynamic section is out of bounds')
  const entries = viewOf(file, offset, size)
  const names: number[] = []
  let strings: number | undefined
  let stringsSize = 0
  let hasEnd = false
  for (let at = 0; at < size && !hasEnd; at += ENTRY_BYTES) {
    const [tag, value] = [tagAt(entries, at), at + 8]
    if (tag === TAG.end) hasEnd = true
    else if (tag === TAG.strings) strings = wholeAt(entries, value)
    else if (tag === TAG.stringsSize) stringsSize = wholeAt(entries, value)
    else if (NAMING.has(tag)) names.push(wholeAt(entries, value))
  }
  if (!hasEnd) throw malformed('its dynamic section has no end')
  return names.map((name) => {
    if (strings === undefined || name >= stringsSize) throw malformed('a library has no name')
    return nameAt(file, offsetOf(strings + name, segments), Math.min(MAX_NAME, stringsSize - name))
  })
}

/** Where in the file lies what is at this address when it runs. */
function offsetOf(address: number, segments: readonly Segment[]): number {
  const found = segments.find(
    (one) => one.type === SEGMENT.load && address >= one.address && address < one.address + one.size,
  )
  if (!found) throw malformed('its names are not loaded')
  return found.offset + (address - found.address)
}

/** Characters up to the first zero byte, of which there has to be one; what is not printable as `?`. */
function nameAt(file: ElfFile, offset: number, length: number): string {
  const bytes = file.read(offset, Math.min(length, MAX_NAME))
  const end = bytes.indexOf(0)
  if (end < 1) throw malformed('a name is empty, or does not end')
  return String.fromCharCode(...bytes.subarray(0, end)).replaceAll(/[^\x20-\x7e]/g, '?')
}

function viewOf(file: ElfFile, offset: number, length: number): DataView {
  const bytes = offset + length > file.size ? undefined : file.read(offset, length)
  if (bytes?.length !== length) throw malformed('it is cut')
  return new DataView(bytes.buffer, bytes.byteOffset, length)
}

/** Those of processors and systems are above what is exact as a number, and none of them is looked for. */
function tagAt(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true))
}

function wholeAt(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true)
  // Half of what is exact: sums of two are.
  if (value > 2n ** 52n) throw malformed('a number is out of bounds')
  return Number(value)
}

function malformed(found: string): Error {
  return engineError(
    'ENGINE_PROGRAM_NOT_STATIC',
    'the llama-server is not a program that can be looked into',
    {
      expected: 'an ELF program of 64 bits, little-endian',
      found,
    },
  )
}
