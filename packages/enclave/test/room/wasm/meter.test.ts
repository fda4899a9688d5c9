import { describe, expect, it } from 'vitest'
import { checkModule } from '../../../src/room/wasm/index.ts'
import { meterModule } from '../../../src/room/wasm/meter.ts'
import {
  assemble,
  block,
  branch,
  branchIf,
  call,
  DROP,
  EXTERNREF,
  FUNCREF,
  get,
  I32,
  I64,
  i32,
  i64,
  loop,
  nameOf,
  program,
  section,
  set,
  unsigned,
  VOID,
} from './assembler.ts'
import { codeOf, LIMITS, run } from './programs.ts'

/** Instructions that a program uses. */
function used(code: readonly number[], over: Parameters<typeof program>[1] = {}): bigint {
  const { fuelLeft } = run(program(code, { locals: [[2, I32]], ...over }))
  return BigInt(LIMITS.fuelMillions) * 1_000_000n - fuelLeft
}

/** Counts a local down from `turns`. */
function countDown(turns: number): number[] {
  return [...i32(turns), ...set(0), ...loop(get(0), i32(1), [0x6b], [0x22, 0], branchIf(0))]
}

describe('fuel', () => {
  it.each([
    ['nothing but the call', [], 1n],
    ['each instruction', [...i32(1), ...DROP, ...i32(1), ...DROP], 4n],
    ['what shapes the code', block(block([0x01])), 1n],
    ['each turn of a loop', countDown(100), 2n + 100n * 5n],
    ['the branch that is taken', [...i32(0), 0x04, VOID, ...i32(1), ...DROP, 0x05, 0x01, 0x0b], 3n],
    ['the other branch', [...i32(1), 0x04, VOID, ...i32(1), ...DROP, 0x05, 0x01, 0x0b], 4n],
    ['nothing behind a branch', block(branch(0), i32(1), DROP, i32(1), DROP), 1n],
    ['what follows a block that was left', [...block(branch(0)), ...i32(1), ...DROP], 3n],
    ['what follows a branch that was not taken', [...i32(0), 0x04, VOID, 0x01, 0x0b, ...i32(1), ...DROP], 4n],
    ['what follows a loop', [...loop([0x01]), ...i32(1), ...DROP], 3n + 1n],
    ['memory that grows', [...i32(1), 0x40, 0, ...DROP], 1002n],
    ['memory that is filled', [...i32(0), ...i32(7), ...i32(800), 0xfc, 11, 0], 104n],
    ['memory that is copied', [...i32(0), ...i32(7), ...i32(800), 0xfc, 10, 0, 0], 104n],
  ])('pays for %s', (_, code, expected) => {
    expect(used(code)).toBe(expected)
  })

  it('pays for elements of tables', () => {
    const tables = [[FUNCREF, 0, 10]]
    expect(used([...i32(0), 0xd0, FUNCREF, ...i32(10), 0xfc, 17, 0], { tables })).toBe(4n + 80n)
    expect(used([...i32(0), ...i32(1), ...i32(5), 0xfc, 14, 0, 0], { tables })).toBe(4n + 40n)
    expect(used([0xd0, FUNCREF, ...i32(5), 0xfc, 15, 0, ...DROP], { tables })).toBe(1003n + 40n)
  })

  it('pays for calls, and for what they do', () => {
    expect(used([...call(1), ...call(1)], { functions: [{ code: [0x01, 0x01] }] })).toBe(6n)
  })

  it('is enough to the last instruction, and not with one less', () => {
    const code = program(countDown(199_999), { locals: [[1, I32]] })
    const { fuelLeft } = run(code, { limits: { ...LIMITS, fuelMillions: 1 } })
    expect(fuelLeft).toBe(3n)
    expect(
      run(program([0x01, 0x01, 0x01, ...countDown(199_999)], { locals: [[1, I32]] }), {
        limits: { ...LIMITS, fuelMillions: 1 },
      }).fuelLeft,
    ).toBe(0n)
    // The last segment has no look at what is left: the end of the run has.
    const tooMuch = program([...countDown(199_999), ...i32(0), ...DROP, 0x01, 0x01], { locals: [[1, I32]] })
    expect(codeOf(() => run(tooMuch, { limits: { ...LIMITS, fuelMillions: 1 } }))).toBe('ROOM_WASM_FUEL')
  })

  it('ends a loop without end, and a recursion that is long and not deep', () => {
    expect(codeOf(() => run(program(loop(branch(0)))))).toBe('ROOM_WASM_FUEL')
    const twice = { params: [I32], code: [...get(0), 0x04, VOID, ...again(), ...again(), 0x0b] }
    expect(codeOf(() => run(program([...i32(60), ...call(1)], { functions: [twice] })))).toBe(
      'ROOM_WASM_FUEL',
    )
    function again(): number[] {
      return [...get(0), ...i32(1), 0x6b, ...call(1)]
    }
  })
})

describe('a metered module', () => {
  it('exports what is left under a name that it does not have itself', () => {
    const names = ['fuel-0', 'fuel-1', 'fuel-3']
    const bytes = assemble({ exports: names.map((name) => [name, 0, 0] as const) })
    const { fuel, bytes: metered } = meterModule(bytes, LIMITS)
    expect(fuel).toBe('fuel-2')
    expect(WebAssembly.Module.exports(new WebAssembly.Module(metered))).toContainEqual({
      name: fuel,
      kind: 'global',
    })
  })

  it('keeps the numbers of its own globals', () => {
    const globals = [
      [I64, 1, ...i64(5), 0x0b],
      [I32, 1, ...i32(7), 0x0b],
    ]
    const bytes = program([0x23, 0, ...DROP, ...i32(9), 0x24, 1], {
      globals,
      exports: [['mine', 3, 1]],
    })
    const { bytes: metered, fuel } = meterModule(bytes, LIMITS)
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered))
    ;(exports['_start'] as () => void)()
    expect((exports['mine'] as WebAssembly.Global).value).toBe(9)
    expect((exports[fuel] as WebAssembly.Global).value).toBe(10_000_000n - 4n)
  })

  it.each([
    ['read', [0x23, 0, ...DROP]],
    ['write', [...i64(2n ** 62n), 0x24, 0]],
  ])('cannot %s what is left', (_, code) => {
    expect(codeOf(() => checkModule(program(code), LIMITS))).toBe('format')
    expect(codeOf(() => run(program(code)))).toBe('format')
  })

  it('cannot export what is left, nor start a global with it', () => {
    expect(codeOf(() => run(assemble({ exports: [['mine', 3, 0]] })))).toBe('format')
    expect(codeOf(() => run(assemble({ globals: [[I64, 0, 0x23, 1, 0x0b]] })))).toBe('extended-const')
  })

  it.each([
    ['none', [0, 1], 4],
    ['a greater one', [1, 1, 100], 4],
    ['a smaller one', [1, 1, 2], 2],
  ])('has a maximum of memory where it declares %s', (_, memory, pages) => {
    // Grows by one page at a time, ten times, and asks how many there are.
    const grow = loop(
      i32(1),
      [0x40, 0],
      DROP,
      get(0),
      i32(1),
      [0x6a],
      [0x22, 0],
      i32(10),
      [0x48],
      branchIf(0),
    )
    const bytes = program(grow, { locals: [[1, I32]], memory })
    const { bytes: metered } = meterModule(bytes, LIMITS)
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered))
    ;(exports['_start'] as () => void)()
    expect((exports['memory'] as WebAssembly.Memory).buffer.byteLength).toBe(pages * 65_536)
  })

  it('counts whole pages of what it may have', () => {
    expect(
      codeOf(() => checkModule(assemble({ memory: [0, 2] }), { ...LIMITS, memoryBytes: 2 * 65_536 - 1 })),
    ).toBe('ROOM_WASM_MEMORY')
    expect(
      codeOf(() => checkModule(assemble({ memory: [0, 2] }), { ...LIMITS, memoryBytes: 2 * 65_536 })),
    ).toBe(undefined)
    // Of more than 32 bits address, all of it.
    expect(codeOf(() => checkModule(assemble({}), { ...LIMITS, memoryBytes: 2 ** 36 }))).toBe(undefined)
  })

  it('has tables that come to no more than there may be', () => {
    const tables = [
      [FUNCREF, 0, ...unsigned(400_000)],
      [EXTERNREF, 0, ...unsigned(200_000)],
      [FUNCREF, 1, 0, 5],
    ]
    const exports = [0, 1, 2].map((index) => [`t${index}`, 1, index] as const)
    const { bytes } = meterModule(assemble({ tables, exports }), LIMITS)
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes))
    const grown = exports.map(([name]) => {
      const table = instance.exports[name] as WebAssembly.Table
      for (const step of [1_000_000, 100_000, 50_000, 33_333, 5, 1])
        try {
          table.grow(step)
        } catch {
          // More than it may.
        }
      return table.length
    })
    expect(grown.reduce((sum, length) => sum + length)).toBeLessThanOrEqual(1_000_000)
    expect(grown[2]).toBe(5)
    expect(
      codeOf(() => checkModule(assemble({ tables: [[FUNCREF, 0, ...unsigned(1_000_001)]] }), LIMITS)),
    ).toBe('count')
  })

  it('is without its custom sections', () => {
    const custom = section(0, [...nameOf('metadata.code.branch_hint'), 1, 2, 3])
    const plain = assemble({})
    const bytes = Uint8Array.from([...plain.subarray(0, 8), ...custom, ...plain.subarray(8), ...custom])
    expect(meterModule(bytes, LIMITS).bytes).toEqual(meterModule(plain, LIMITS).bytes)
  })

  it('is the same each time', () => {
    const bytes = program(countDown(5), { locals: [[1, I32]] })
    expect(meterModule(bytes, LIMITS)).toEqual(meterModule(bytes, LIMITS))
  })
})
