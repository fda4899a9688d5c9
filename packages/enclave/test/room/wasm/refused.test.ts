import { describe, expect, it } from 'vitest'
import { checkModule, WASM_RULES } from '../../../src/room/wasm/index.ts'
import { isWasiFunction, WASI_FUNCTIONS } from '../../../src/room/wasm/wasi/signatures.ts'
import {
  assemble,
  EXTERNREF,
  F32,
  FUNCREF,
  I32,
  i32,
  I64,
  list,
  type ModuleSource,
  nameOf,
  program,
  section,
  unsigned,
  VOID,
} from './assembler.ts'
import { codeOf, LIMITS } from './programs.ts'

/** What a module of these parts breaks. */
function rule(source: ModuleSource | Uint8Array): string | undefined {
  return codeOf(() => checkModule(source instanceof Uint8Array ? source : assemble(source), LIMITS))
}

/** An import that is no function of WASI. */
function imported(...entry: readonly (readonly number[])[]): ModuleSource {
  const type = [0x60, 0, 0]
  return {
    imports: [['', {}]],
    sections: { 1: list([type, type]), 2: list([entry.flat()]), 3: [1, 1] },
  }
}

const WASI = nameOf('wasi_snapshot_preview1')
const EMPTY_TYPE = [0x60, 0, 0]

describe('a module is refused with', () => {
  it.each([
    ['instructions of SIMD', program([0xfd, 12, ...Array.from({ length: 16 }, () => 0), 0x1a]), 'simd'],
    ['a local of 128 bits', program([], { locals: [[1, 0x7b]] }), 'simd'],
    [
      'a global of 128 bits',
      { globals: [[0x7b, 0, 0xfd, 12, ...Array.from({ length: 16 }, () => 0), 0x0b]] },
      'simd',
    ],
    ['a constant of 128 bits', { globals: [[I32, 0, 0xfd, 12]] }, 'simd'],
    ['shared memory', { memory: [3, 1, 2] }, 'threads'],
    ['shared memory without a maximum', { memory: [2, 1] }, 'threads'],
    ['a shared table', { tables: [[FUNCREF, 3, 0, 1]] }, 'threads'],
    ['a shared global', { globals: [[I32, 2, 0x41, 0, 0x0b]] }, 'threads'],
    ['atomic instructions', program([...i32(0), 0xfe, 0x10, 2, 0, 0x1a]), 'threads'],
    ['an atomic fence', program([0xfe, 3, 0]), 'threads'],
    ['try', program([0x06, VOID, 0x0b]), 'exceptions'],
    ['catch', program([0x07, 0]), 'exceptions'],
    ['throw', program([0x08, 0]), 'exceptions'],
    ['rethrow', program([0x09, 0]), 'exceptions'],
    ['throw_ref', program([0x0a]), 'exceptions'],
    ['delegate', program([0x18, 0]), 'exceptions'],
    ['catch_all', program([0x19]), 'exceptions'],
    ['try_table', program([0x1f, VOID, 0, 0x0b]), 'exceptions'],
    ['tags', { sections: { 13: [1, 0, 0] } }, 'exceptions'],
    ['an exported tag', { exports: [['tag', 4, 0]] }, 'exceptions'],
    ['a reference to an exception', program([], { locals: [[1, 0x69]] }), 'exceptions'],
    ['return_call', program([0x12, 0]), 'tail-calls'],
    ['return_call_indirect', program([...i32(0), 0x13, 0, 0], { tables: [[FUNCREF, 0, 1]] }), 'tail-calls'],
    ['return_call_ref', program([0x15, 0]), 'tail-calls'],
    ['call_ref', program([0x14, 0]), 'gc'],
    ['ref.eq', program([0xd3]), 'gc'],
    ['br_on_null', program([0xd5, 0]), 'gc'],
    ['struct.new', program([0xfb, 0, 0]), 'gc'],
    ['a struct', { sections: { 1: list([EMPTY_TYPE, [0x5f, 0]]) } }, 'gc'],
    ['an array', { sections: { 1: list([EMPTY_TYPE, [0x5e, I32, 0]]) } }, 'gc'],
    ['a recursive group', { sections: { 1: list([[0x4e, 1, ...EMPTY_TYPE]]) } }, 'gc'],
    ['a subtype', { sections: { 1: list([[0x50, 0, ...EMPTY_TYPE]]) } }, 'gc'],
    ['a reference that is never null', program([], { locals: [[1, 0x64]] }), 'gc'],
    ['any', program([], { locals: [[1, 0x6e]] }), 'gc'],
    ['a table with a first value', { tables: [[0x40, 0, FUNCREF, 0, 1, 0xd0, FUNCREF, 0x0b]] }, 'gc'],
    ['a constant that makes an object', { globals: [[0x70, 0, 0xfb, 0, 0, 0x0b]] }, 'gc'],
    ['a memory of 64 bits', { memory: [4, 1] }, 'memory64'],
    ['a shared memory of 64 bits', { memory: [7, 1, 1] }, 'memory64'],
    ['a table of 64 bits', { tables: [[FUNCREF, 4, 1]] }, 'memory64'],
    ['two memories', { sections: { 5: [2, 0, 1, 0, 1] } }, 'multi-memory'],
    ['an address in another memory', program([...i32(0), 0x28, 0x42, 1, 0, 0x1a]), 'multi-memory'],
    ['the size of another memory', program([0x3f, 1, 0x1a]), 'multi-memory'],
    ['another memory that grows', program([...i32(0), 0x40, 1, 0x1a]), 'multi-memory'],
    ['a copy to another memory', program([...i32(0), ...i32(0), ...i32(0), 0xfc, 10, 1, 0]), 'multi-memory'],
    [
      'a copy from another memory',
      program([...i32(0), ...i32(0), ...i32(0), 0xfc, 10, 0, 1]),
      'multi-memory',
    ],
    [
      'another memory that is filled',
      program([...i32(0), ...i32(0), ...i32(0), 0xfc, 11, 1]),
      'multi-memory',
    ],
    ['data in another memory', { data: [[2, 1, 0x41, 0, 0x0b, 0]] }, 'multi-memory'],
    ['a sum as an offset', { data: [[0, 0x41, 0, 0x41, 0, 0x6a, 0x0b, 0]] }, 'extended-const'],
    [
      'a global as an offset',
      { globals: [[I32, 0, 0x41, 0, 0x0b]], data: [[0, 0x23, 0, 0x0b, 0]] },
      'extended-const',
    ],
    ['wide arithmetic', program([0xfc, 0x13]), 'opcode'],
    ['instructions that nobody knows', program([0xff]), 'opcode'],
    ['instructions of JavaScript strings', program([0xfc, 0x80, 1]), 'opcode'],
    ['an import of another module', imported(nameOf('env'), nameOf('fetch'), [0, 0]), 'import'],
    ['an import of a module without a name', imported(nameOf(''), nameOf('f'), [0, 0]), 'import'],
    [
      'an import of a next preview',
      imported(nameOf('wasi_snapshot_preview2'), nameOf('fd_write'), [0, 0]),
      'import',
    ],
    ['an import of an old preview', imported(nameOf('wasi_unstable'), nameOf('fd_write'), [0, 0]), 'import'],
    ['a function that WASI does not have', imported(WASI, nameOf('fetch'), [0, 0]), 'import'],
    ['a function that every object has', imported(WASI, nameOf('constructor'), [0, 0]), 'import'],
    ['a function with another type', imported(WASI, nameOf('fd_write'), [0, 0]), 'import'],
    ['an imported memory', imported(WASI, nameOf('memory'), [2, 0, 1]), 'import'],
    ['an imported table', imported(WASI, nameOf('table'), [1, FUNCREF, 0, 1]), 'import'],
    ['an imported global', imported(WASI, nameOf('fuel-0'), [3, I64, 1]), 'import'],
    ['an imported tag', imported(WASI, nameOf('tag'), [4, 0, 0]), 'import'],
    ['a start function', { sections: { 8: [0] } }, 'start'],
    ['no memory', { sections: { 5: [0], 7: list([[...nameOf('_start'), 0, 0]]) } }, 'export'],
    ['a memory that is not exported', { sections: { 7: list([[...nameOf('_start'), 0, 0]]) } }, 'export'],
    ['no _start', { sections: { 7: list([[...nameOf('memory'), 2, 0]]) } }, 'export'],
    ['a _start that takes something', { functions: [{ params: [I32], code: [] }] }, 'export'],
    [
      'a _start that is a memory',
      {
        sections: {
          7: list([
            [...nameOf('_start'), 2, 0],
            [...nameOf('memory'), 2, 0],
          ]),
        },
      },
      'export',
    ],
  ] as const)('%s', (_, source, expected) => {
    expect(rule(source)).toBe(expected)
  })

  it.each([
    ['too many bytes', new Uint8Array(32 * 1024 * 1024 + 1), 'module-size'],
    ['too many locals', program([], { locals: [[40_001, I32]] }), 'count'],
    [
      'locals that overflow',
      program([], {
        locals: [
          [2 ** 32 - 1, I32],
          [2 ** 32 - 1, I32],
        ],
      }),
      'count',
    ],
    [
      'too many parameters',
      { functions: [{ code: [] }, { params: Array.from({ length: 1001 }, () => I32), code: [] }] },
      'count',
    ],
    ['too many tables', { tables: Array.from({ length: 17 }, () => [FUNCREF, 0, 0]) }, 'count'],
    [
      'too many functions',
      { sections: { 3: [...unsigned(200_001), ...Array.from({ length: 200_001 }, () => 0)] } },
      'count',
    ],
    [
      'too many custom sections',
      Uint8Array.from([...assemble({}), ...Array.from({ length: 1001 }, () => section(0, [0])).flat()]),
      'count',
    ],
    [
      'too many labels',
      program([...i32(0), 0x0e, ...unsigned(65_001), ...Array.from({ length: 65_002 }, () => 0)]),
      'count',
    ],
    [
      'too many blocks within blocks',
      program(Array.from({ length: 10_001 }, () => [0x02, VOID]).flat()),
      'depth',
    ],
    [
      'code that becomes too large',
      program(Array.from({ length: 400_000 }, () => [0x03, VOID, 0x0b]).flat()),
      'module-size',
    ],
  ] as const)('%s', (_, source, expected) => {
    expect(rule(source)).toBe(expected)
  })

  it('a number for each of its parts that says where, and none of its names', () => {
    try {
      checkModule(assemble(imported(nameOf('secret-of-mine'), nameOf('other'), [0, 0])), LIMITS)
      expect.unreachable()
    } catch (error) {
      const { message, found, expected } = error as { message: string; found: string; expected: string }
      expect(found).toBe('import: import 1 is of another module')
      expect(expected).toBe(WASM_RULES.import)
      expect(message + found + expected).not.toMatch(/secret|other-/)
    }
  })
})

describe('a module is taken with', () => {
  const three = [...i32(0), ...i32(0), ...i32(0)]

  it.each([
    ['nothing', {}],
    ['instructions that extend signs', program([...i32(1), 0xc0, 0xc1, 0x1a])],
    ['conversions that saturate', program([0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a])],
    [
      'several results',
      {
        functions: [
          { code: [0x10, 1, 0x1a, 0x1a] },
          { results: [I32, F32], code: [...i32(1), 0x43, 0, 0, 0, 0] },
        ],
      },
    ],
    [
      'a block with parameters',
      { functions: [{ code: [...i32(1), 0x02, 1, 0x1a, 0x0b] }, { params: [I32], code: [] }] },
    ],
    [
      'bulk operations',
      program([...three, 0xfc, 8, 0, 0, 0xfc, 9, 0, ...three, 0xfc, 10, 0, 0, ...three, 0xfc, 11, 0], {
        data: [[1, 1, 7]],
        dataCount: 1,
      }),
    ],
    [
      'references',
      program([
        0xd0,
        EXTERNREF,
        0xd1,
        0x1a,
        0xd2,
        0,
        0x1a,
        0xd0,
        FUNCREF,
        0xd0,
        FUNCREF,
        ...i32(0),
        0x1c,
        1,
        FUNCREF,
        0x1a,
      ]),
    ],
    [
      'operations on tables',
      program(
        [
          ...three,
          0xfc,
          12,
          0,
          0,
          0xfc,
          13,
          0,
          ...i32(0),
          0x25,
          0,
          0x1a,
          ...i32(0),
          0xd0,
          FUNCREF,
          0x26,
          0,
          0xfc,
          16,
          0,
          0x1a,
        ],
        { tables: [[FUNCREF, 0, 1]], elements: [[5, FUNCREF, 1, 0xd2, 0, 0x0b]] },
      ),
    ],
    [
      'calls through tables',
      program([...i32(0), 0x11, 0, 0], { tables: [[FUNCREF, 0, 1]], elements: [[0, 0x41, 0, 0x0b, 1, 0]] }),
    ],
    [
      'elements of each form',
      {
        tables: [[FUNCREF, 0, 9]],
        elements: [
          [0, 0x41, 0, 0x0b, 1, 0],
          [1, 0, 1, 0],
          [2, 0, 0x41, 0, 0x0b, 0, 1, 0],
          [3, 0, 1, 0],
          [4, 0x41, 0, 0x0b, 1, 0xd2, 0, 0x0b],
          [5, FUNCREF, 1, 0xd0, FUNCREF, 0x0b],
          [6, 0, 0x41, 0, 0x0b, FUNCREF, 1, 0xd2, 0, 0x0b],
          [7, FUNCREF, 1, 0xd2, 0, 0x0b],
        ],
      },
    ],
    [
      'data of each form',
      {
        data: [
          [0, 0x41, 0, 0x0b, 1, 9],
          [1, 1, 9],
          [2, 0, 0x41, 0, 0x0b, 1, 9],
        ],
      },
    ],
    [
      'code that nothing reaches',
      program([0x00, 0x03, VOID, 0x0b, ...three, 0xfc, 11, 0, 0x04, VOID, 0x05, 0x0b]),
    ],
  ] as const)('%s', (_, source) => {
    const bytes = source instanceof Uint8Array ? source.slice() : assemble(source)
    expect(WebAssembly.validate(bytes)).toBe(true)
    expect(rule(bytes)).toBe(undefined)
  })

  it('every function of WASI, each with its type', () => {
    expect(WASI_FUNCTIONS).toHaveLength(46)
    expect(isWasiFunction('fd_seek', 'iIii:i')).toBe(true)
    expect(isWasiFunction('fd_seek', 'iiii:i')).toBe(false)
    expect(isWasiFunction('toString', '')).toBe(false)
  })
})
