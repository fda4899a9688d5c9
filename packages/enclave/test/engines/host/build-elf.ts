/** Makes small ELF programs of 64 bits. */
import { utf8 } from '@sotto/protocol/bytes'

/** What a program asks for, and what it does. */
export interface ElfParts {
  readonly interpreter?: string
  /** Each with the tag that names it; DT_NEEDED unless said otherwise. */
  readonly libraries?: readonly (string | { tag: number; name: string })[]
  /** Machine code, told where each of `texts` lies. Default none. */
  readonly code?: (texts: readonly bigint[]) => readonly number[]
  readonly texts?: readonly string[]
}

const HEADER = 64
const SEGMENT = 56
/** Where the whole file is loaded. */
const BASE = 0x400000

/** A program that loads nothing, unless `parts` say so. */
export function buildElf({
  interpreter,
  libraries,
  code,
  texts = [],
}: ElfParts = {}): Uint8Array<ArrayBuffer> {
  const count = 1 + (interpreter === undefined ? 0 : 1) + (libraries === undefined ? 0 : 1)
  const bytes: number[] = Array.from({ length: HEADER + count * SEGMENT }, () => 0)
  const put = (more: Iterable<number>): { offset: number; size: number } => {
    const offset = bytes.length
    bytes.push(...more)
    return { offset, size: bytes.length - offset }
  }
  const segments: { type: number; offset: number; size: number }[] = []
  if (interpreter !== undefined) segments.push({ type: 3, ...put(utf8(`${interpreter}\0`)) })
  if (libraries !== undefined) {
    const named = libraries.map((one) => (typeof one === 'string' ? { tag: 1, name: one } : one))
    const places: number[] = []
    const strings = put([0])
    for (const { name } of named) places.push(put(utf8(`${name}\0`)).offset - strings.offset)
    strings.size = bytes.length - strings.offset
    const entries: [number, number][] = [
      ...named.map(({ tag }, at): [number, number] => [tag, places[at]!]),
      [5, BASE + strings.offset],
      [10, strings.size],
      [0, 0],
    ]
    segments.push({ type: 2, ...put(entries.flatMap((entry) => entry.flatMap((value) => whole(value, 8)))) })
  }
  const where = texts.map((text) => BigInt(BASE + put(utf8(`${text}\0`)).offset))
  const entry = put(code?.(where) ?? []).offset
  segments.unshift({ type: 1, offset: 0, size: bytes.length })
  const out = Uint8Array.from(bytes)
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  write(out, 16, [2, 2], [62, 2], [1, 4], [BASE + entry, 8], [HEADER, 8], [0, 8], [0, 4])
  write(out, 52, [HEADER, 2], [SEGMENT, 2], [count, 2])
  for (const [at, { type, offset, size }] of segments.entries())
    write(
      out,
      HEADER + at * SEGMENT,
      ...([
        [type, 4],
        [5, 4],
        [offset, 8],
        [BASE + offset, 8],
        [BASE + offset, 8],
      ] as const),
      ...([
        [size, 8],
        [size, 8],
        [type === 1 ? 4096 : 1, 8],
      ] as const),
    )
  return out
}

/**
 * A static program for x86-64 Linux that becomes `program`, with `script` before the words it was started with: what a shell
 * script of one line does, where only a program is taken.
 */
export function buildLauncher(program: string, script: string): Uint8Array<ArrayBuffer> {
  return buildElf({
    texts: [program, script],
    // The words of the process stand behind their number: that and the first of them make room for two others.
    code: ([first, second]) =>
      [
        [0x48, 0x8b, 0x04, 0x24], // mov rax, [rsp]
        [0x48, 0x8d, 0x54, 0xc4, 0x10], // lea rdx, [rsp + rax*8 + 16]
        [0x48, 0xbf, ...whole(first!, 8)], // mov rdi, program
        [0x48, 0x89, 0x3c, 0x24], // mov [rsp], rdi
        [0x48, 0xb9, ...whole(second!, 8)], // mov rcx, script
        [0x48, 0x89, 0x4c, 0x24, 0x08], // mov [rsp + 8], rcx
        [0x48, 0x89, 0xe6], // mov rsi, rsp
        [0xb8, 59, 0, 0, 0, 0x0f, 0x05], // execve(rdi, rsi, rdx)
        [0xbf, 127, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05], // exit(127)
      ].flat(),
  })
}

function write(into: Uint8Array, at: number, ...fields: (readonly [value: number, bytes: number])[]): void {
  for (const [value, bytes] of fields) {
    into.set(whole(value, bytes), at)
    at += bytes
  }
}

function whole(value: number | bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, byte) => Number((BigInt(value) >> BigInt(8 * byte)) & 0xffn))
}
