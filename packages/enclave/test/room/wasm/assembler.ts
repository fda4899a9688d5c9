/** Makes modules out of bytes, as far as tests need them: what a compiler would never write as well. */

export const I32 = 0x7f
export const I64 = 0x7e
export const F32 = 0x7d
export const F64 = 0x7c
export const FUNCREF = 0x70
export const EXTERNREF = 0x6f
/** Type of a block that takes and leaves nothing. */
export const VOID = 0x40

export function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  return [...bytes, rest]
}

export function signed(value: bigint | number): number[] {
  const bytes: number[] = []
  let rest = BigInt(value)
  for (;;) {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    if ((rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}

export function list(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

export function nameOf(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)]
  return [...unsigned(bytes.length), ...bytes]
}

export function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

export const i32 = (value: number): number[] => [0x41, ...signed(value)]
export const i64 = (value: bigint | number): number[] => [0x42, ...signed(value)]
export const get = (local: number): number[] => [0x20, ...unsigned(local)]
export const set = (local: number): number[] => [0x21, ...unsigned(local)]
export const call = (index: number): number[] => [0x10, ...unsigned(index)]
export const load = (offset = 0): number[] => [0x28, 2, ...unsigned(offset)]
export const store = (offset = 0): number[] => [0x36, 2, ...unsigned(offset)]
export const loop = (...code: number[][]): number[] => [0x03, VOID, ...code.flat(), 0x0b]
export const block = (...code: number[][]): number[] => [0x02, VOID, ...code.flat(), 0x0b]
export const branch = (label: number): number[] => [0x0c, ...unsigned(label)]
export const branchIf = (label: number): number[] => [0x0d, ...unsigned(label)]
export const DROP = [0x1a]
export const UNREACHABLE = [0x00]

/** A type of functions. */
export interface Signature {
  readonly params?: readonly number[]
  readonly results?: readonly number[]
}

export interface FunctionSource extends Signature {
  readonly locals?: readonly (readonly [count: number, type: number])[]
  /** Without the `end`. */
  readonly code: readonly number[]
}

/** A module. What is not said is what every module that runs has: a memory of one page, exported. */
export interface ModuleSource {
  readonly imports?: readonly (readonly [name: string, signature: Signature])[]
  /** The first one is `_start`, after the imports. */
  readonly functions?: readonly FunctionSource[]
  /** Limits of the memory, as bytes. */
  readonly memory?: readonly number[]
  readonly tables?: readonly (readonly number[])[]
  readonly globals?: readonly (readonly number[])[]
  readonly exports?: readonly (readonly [name: string, kind: number, index: number])[]
  readonly elements?: readonly (readonly number[])[]
  readonly data?: readonly (readonly number[])[]
  readonly dataCount?: number
  /** Sections by number, instead of what the rest says, or beside it. */
  readonly sections?: Readonly<Record<number, readonly number[]>>
}

const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]

export function assemble(source: ModuleSource): Uint8Array<ArrayBuffer> {
  const { imports = [], functions = [{ code: [] }], memory = [0, 1] } = source
  const { tables, globals, elements, data, dataCount } = source
  const signatures = [...imports.map(([, signature]) => signature), ...functions]
  const types = signatures.map(({ params = [], results = [] }) => [
    0x60,
    ...unsigned(params.length),
    ...params,
    ...unsigned(results.length),
    ...results,
  ])
  const exports: (readonly [string, number, number])[] = [
    ['_start', 0, imports.length],
    ['memory', 2, 0],
    ...(source.exports ?? []),
  ]
  const bodies = functions.map(({ locals = [], code }) => {
    const body = [...list(locals.map(([count, type]) => [...unsigned(count), type])), ...code, 0x0b]
    return [...unsigned(body.length), ...body]
  })
  const sections: Record<number, readonly number[] | undefined> = {
    1: list(types),
    2:
      imports.length === 0
        ? undefined
        : list(
            imports.map(([name], at) => [
              ...nameOf('wasi_snapshot_preview1'),
              ...nameOf(name),
              0,
              ...unsigned(at),
            ]),
          ),
    3: list(functions.map((_, at) => unsigned(imports.length + at))),
    4: tables && list(tables),
    5: [1, ...memory],
    6: globals && list(globals),
    7: list(exports.map(([name, kind, index]) => [...nameOf(name), kind, ...unsigned(index)])),
    9: elements && list(elements),
    12: dataCount === undefined ? undefined : unsigned(dataCount),
    10: list(bodies),
    11: data && list(data),
    ...source.sections,
  }
  return Uint8Array.from([
    0x00,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...ORDER.flatMap((id) => (sections[id] === undefined ? [] : section(id, sections[id]))),
  ])
}

/** A program: its `_start` is this code. */
export function program(
  code: readonly number[],
  over: ModuleSource & Pick<FunctionSource, 'locals'> = {},
): Uint8Array<ArrayBuffer> {
  const { locals = [], functions = [], ...rest } = over
  return assemble({ ...rest, functions: [{ code, locals }, ...functions] })
}
