import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileModule } from '../../../src/room/wasm/execute.ts'
import { checkModule } from '../../../src/room/wasm/index.ts'
import { meterModule } from '../../../src/room/wasm/meter.ts'
import { WasmReader } from '../../../src/room/wasm/reader.ts'
import { encodeS64, encodeU32 } from '../../../src/room/wasm/writer.ts'
import {
  assemble,
  FUNCREF,
  i32,
  I32,
  I64,
  i64,
  list,
  nameOf,
  program,
  section,
  signed,
  unsigned,
  VOID,
} from './assembler.ts'
import { codeOf, COPY, LIMITS } from './programs.ts'

/** One of everything. */
const FULL = program(
  [0x03, VOID, ...i32(0), 0x0d, 0, 0x0b, ...[...i32(0), 0x0e, 1, 0, 0, 0x0b].slice(0, -1)],
  {
    tables: [[FUNCREF, 1, 1, 5]],
    globals: [[I64, 1, ...i64(-5), 0x0b]],
    elements: [[0, 0x41, 0, 0x0b, 1, 0]],
    data: [
      [0, 0x41, 0, 0x0b, 3, 1, 2, 3],
      [1, 1, 9],
    ],
    dataCount: 2,
    functions: [
      {
        params: [I32],
        results: [I32],
        locals: [[2, I64]],
        code: [...i32(1), ...i32(2), ...i32(3), 0xfc, 11, 0, 0x20, 0],
      },
    ],
  },
)

/** What a module ends in, where the engine takes it as it is; whatever we take, it takes. */
function ending(bytes: Uint8Array<ArrayBuffer>): string {
  const code = codeOf(() => compileModule(bytes, LIMITS))
  const metering = codeOf(() => meterModule(bytes, LIMITS))
  // What is checked before anything runs is what would be rewritten; only types come after that.
  expect(codeOf(() => checkModule(bytes, LIMITS))).toBe(metering)
  expect(code).toBe(code === 'type' ? 'type' : metering)
  if (code === undefined) {
    const metered = meterModule(bytes, LIMITS)
    expect(WebAssembly.validate(metered.bytes)).toBe(true)
  }
  return code ?? 'taken'
}

const ENDINGS = /^(?:taken|ROOM_WASM_MEMORY|[a-z0-9-]+)$/

describe('a module that was cut or changed', () => {
  it('is whole before', () => {
    expect(ending(FULL)).toBe('taken')
    expect(ending(COPY)).toBe('taken')
  })

  it.each([
    ['of everything', FULL],
    ['that copies', COPY],
  ])('%s: is refused wherever it is cut', (_, bytes) => {
    for (let length = 0; length < bytes.length; length++)
      expect([length, codeOf(() => meterModule(bytes.slice(0, length), LIMITS))]).toEqual([
        length,
        expect.stringMatching(/^(?:format|export)$/),
      ])
  })

  it.each([
    ['of everything', FULL],
    ['that copies', COPY],
  ])('%s: is refused, or still valid, with any bit turned', (_, bytes) => {
    let refused = 0
    for (let at = 0; at < bytes.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const changed = bytes.slice()
        changed[at]! ^= 1 << bit
        const end = ending(changed)
        expect(end).toMatch(ENDINGS)
        if (end !== 'taken') refused++
      }
    expect(refused).toBeGreaterThan(bytes.length)
  })

  it('of any bytes ends in a refusal, and in nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(12), (noise, at, id) => {
        const place = at % FULL.length
        const changed = Uint8Array.from([...FULL.subarray(0, place), ...noise, ...FULL.subarray(place)])
        expect(ending(changed)).toMatch(ENDINGS)
        expect(ending(assemble({ sections: { [id]: [...noise] } }))).toMatch(ENDINGS)
        expect(ending(program([...noise]))).toMatch(ENDINGS)
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['no bytes', new Uint8Array()],
    ['another magic', Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 1, 0, 0, 0])],
    ['another version', Uint8Array.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0])],
    ['a component', Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0])],
    ['a section that nobody knows', Uint8Array.from([...assemble({}), ...section(14, [])])],
    ['a section twice', Uint8Array.from([...assemble({}), ...section(10, [1, 2, 0, 0x0b])])],
    ['sections out of order', Uint8Array.from([...assemble({}), ...section(1, [0])])],
    [
      'a custom section whose name ends outside it',
      Uint8Array.from([...assemble({}), ...section(0, [5, 65])]),
    ],
    ['a name that is not UTF-8', assemble({ sections: { 7: list([[1, 0xff, 0, 0]]) } })],
    ['a name twice', assemble({ exports: [['memory', 2, 0]] })],
    ['bytes behind a section', assemble({ sections: { 6: [0, 0] } })],
    ['bytes behind the code of a function', program([0x0b, 0x01])],
    ['more bodies than functions', assemble({ sections: { 10: [2, 2, 0, 0x0b, 2, 0, 0x0b] } })],
    ['no bodies', Uint8Array.from(assemble({}).subarray(0, -6))],
    ['fewer bodies than functions', assemble({ sections: { 10: [0] } })],
    ['a function of a type that is not there', assemble({ sections: { 3: [1, 9] } })],
    ['an export of what is not there', assemble({ exports: [['x', 0, 9]] })],
    ['another count of data', assemble({ dataCount: 2, data: [[1, 0]] })],
    ['a maximum below the start', assemble({ memory: [1, 2, 1] })],
    ['more pages than 32 bits address', assemble({ memory: [1, 0, ...unsigned(65_537)] })],
    ['limits of no kind', assemble({ memory: [8, 1] })],
    ['an else without if', program([0x02, VOID, 0x05, 0x0b])],
    ['two else', program([...i32(0), 0x04, VOID, 0x05, 0x05, 0x0b])],
    ['a branch to a block that is not there', program([0x0c, 1])],
    ['a block of a type that is not there', program([0x02, 5, 0x0b])],
    ['a block of a negative type', program([0x02, 0xc0, 0x7f, 0x0b])],
    ['no end', assemble({ sections: { 10: [1, 2, 0, 0x01] } })],
    ['a number of too many bytes', program([0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0x1a])],
    ['a number of too many bits', program([0x41, 0xff, 0xff, 0xff, 0xff, 0x4f, 0x1a])],
    ['a length of too many bits', Uint8Array.from([...assemble({}), 0, 0xff, 0xff, 0xff, 0xff, 0x1f])],
    ['a section longer than the module', Uint8Array.from([...assemble({}), 0, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['an alignment that nothing has', program([...i32(0), 0x28, 9, 0, 0x1a])],
    ['elements of no kind', assemble({ tables: [[FUNCREF, 0, 1]], elements: [[1, 3, 0]] })],
    ['a segment of no form', assemble({ data: [[3, 0]] })],
    ['a count of more than there is', assemble({ sections: { 7: [0xff, 0xff, 5] } })],
  ])('is refused with %s', (_, bytes) => {
    expect(codeOf(() => meterModule(bytes, LIMITS))).toBe('format')
  })

  it.each([
    ['types that do not fit', program([0x6a])],
    ['a value that is left', program(i32(1))],
    ['a local that is not there', program([0x20, 0, 0x1a])],
    ['the local that metering adds', program([...i32(0), ...i32(0), ...i32(0), 0xfc, 11, 0, 0x20, 0, 0x1a])],
    ['a function that is not there', program([0x10, 9])],
    ['a name of a function that is not declared', program([0xd2, 1, 0x1a], { functions: [{ code: [] }] })],
    [
      'data that are not counted',
      program([...i32(0), ...i32(0), ...i32(0), 0xfc, 8, 0, 0], { data: [[1, 0]] }),
    ],
  ])('is refused by the engine with %s', (_, bytes) => {
    expect(ending(bytes)).toBe('type')
  })
})

describe('numbers', () => {
  it('are written as they are read', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), (value) => {
        expect(encodeU32(value)).toEqual(unsigned(value))
        const reader = new WasmReader(Uint8Array.from(encodeU32(value)))
        expect(reader.u32()).toBe(value)
        expect(reader.isAtEnd).toBe(true)
      }),
    )
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(encodeS64(value)).toEqual(signed(value))
      }),
    )
  })

  it.each([32, 33, 64] as const)('of %i bits with a sign are passed over, and no others', (bits) => {
    const most = 2n ** BigInt(bits - 1)
    fc.assert(
      fc.property(fc.bigInt({ min: -4n * most, max: 4n * most }), (value) => {
        const bytes = signed(value)
        const reader = new WasmReader(Uint8Array.from(bytes))
        const fits = value >= -most && value < most
        expect(codeOf(() => reader.skipSigned(bits))).toBe(fits ? undefined : 'format')
        if (fits) expect(reader.isAtEnd).toBe(true)
      }),
    )
  })

  it.each([
    ['minimal', [...nameOf('a')]],
    ['padded', [0x81, 0x80, 0x80, 0x80, 0, 97]],
  ])('may be %s', (_, bytes) => {
    expect(new WasmReader(Uint8Array.from(bytes)).name()).toBe('a')
  })
})
