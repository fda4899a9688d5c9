import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { meterModule } from '../../../src/room/wasm/meter.ts'
import { assemble, get, i32, I32, I64, i64, set, unsigned, VOID } from './assembler.ts'

const LIMITS = { memoryBytes: 65_536, fuelMillions: 1 }
const LOCALS = 4

/** Code that takes nothing and leaves one number of 32 bits. */
type Code = readonly number[]

const variable = fc.nat(LOCALS - 1)
const operators: readonly number[] = [
  70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118,
  119, 120,
]
const ofOne: readonly number[] = [0x45, 0x67, 0x68, 0x69, 0xc0, 0xc1]

const { value } = fc.letrec<{ value: Code }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((number): Code => i32(number)),
    variable.map((local): Code => get(local)),
    fc
      .tuple(tie('value'), tie('value'), fc.constantFrom(...operators))
      .map(([left, right, operator]): Code => [...left, ...right, operator]),
    fc.tuple(tie('value'), fc.constantFrom(...ofOne)).map(([one, operator]): Code => [...one, operator]),
    // In 64 bits, and back.
    fc
      .tuple(tie('value'), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
      .map(([one, number]): Code => [...one, 0xac, ...i64(number), 0x7e, 0xa7]),
    // Into memory and out of it.
    fc
      .tuple(tie('value'), fc.nat(60_000))
      .map(([one, at]): Code => [...i32(at), ...one, 0x36, 0, 0, ...i32(at), 0x28, 0, 0]),
    fc
      .tuple(tie('value'), tie('value'), tie('value'))
      .map(([condition, yes, no]): Code => [...condition, 0x04, I32, ...yes, 0x05, ...no, 0x0b]),
    // Calls the second function.
    fc.tuple(tie('value'), tie('value')).map(([one, other]): Code => [...one, ...other, 0x10, 1]),
  ),
}))

const { statement } = fc.letrec<{ statement: Code }>((tie) => {
  const body = fc.array(tie('statement'), { maxLength: 3 }).map((codes): Code => codes.flat())
  return {
    statement: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.tuple(variable, value).map(([local, code]): Code => [...code, ...set(local)]),
      fc
        .tuple(value, body, body)
        .map(([condition, yes, no]): Code => [...condition, 4, VOID, ...yes, 5, ...no, 11]),
      fc
        .tuple(value, body)
        .map(([condition, then]): Code => [0x02, VOID, ...condition, 0x0d, 0, ...then, 0x0b]),
      // Leaves two blocks at once, with code that nothing reaches.
      fc
        .tuple(body, body)
        .map(([before, after]): Code => [2, VOID, 2, VOID, ...before, 12, 1, ...after, 11, ...after, 11]),
      fc
        .tuple(value, body, body, body)
        .map(([chosen, one, two, three]): Code => [
          2,
          VOID,
          2,
          VOID,
          2,
          VOID,
          ...chosen,
          14,
          2,
          0,
          1,
          2,
          11,
          ...one,
          12,
          1,
          11,
          ...two,
          11,
          ...three,
        ]),
      // Some turns of a loop, counted by a local of its own.
      fc
        .tuple(fc.integer({ min: 1, max: 5 }), body)
        .map(([turns, inner]): Code => [
          ...i32(turns),
          ...set(LOCALS),
          3,
          VOID,
          ...inner,
          ...get(LOCALS),
          ...i32(1),
          107,
          34,
          LOCALS,
          ...i32(0),
          74,
          13,
          0,
          11,
        ]),
      fc
        .tuple(fc.nat(1000), fc.nat(255), fc.nat(1000))
        .map(([at, byte, length]): Code => [...i32(at), ...i32(byte), ...i32(length), 0xfc, 11, 0]),
    ),
  }
})

const programs = fc
  .tuple(fc.array(statement, { minLength: 1, maxLength: 6 }), value, value)
  .map(([statements, result, called]) =>
    assemble({
      functions: [
        { code: [] },
        { params: [I32, I32], results: [I32], locals: [[LOCALS, I32]], code: called },
        {
          params: [I32, I32],
          results: [I32],
          locals: [
            [LOCALS - 1, I32],
            [1, I64],
          ],
          code: [...statements.flat(), ...result],
        },
      ],
      exports: [['compute', 0, 2]],
      globals: [[I32, 1, ...i32(0), 0x0b]],
    }),
  )

/** What a program computes, and its memory after that; or how it fails. */
function observe(bytes: Uint8Array<ArrayBuffer>): {
  result: unknown
  memory: string
  fuel: bigint | undefined
} {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  let result: unknown
  try {
    result = (exports['compute'] as (a: number, b: number) => number)(3, -7)
  } catch (error) {
    result = error instanceof RangeError ? 'stack' : (error as Error).message
  }
  const memory = Buffer.from((exports['memory'] as WebAssembly.Memory).buffer)
  const fuel = exports['fuel-0'] as WebAssembly.Global<'i64'> | undefined
  return { result, memory: memory.toString('latin1'), fuel: fuel?.value }
}

describe('metering', () => {
  it('changes nothing of what a program computes, and takes the same from each of its runs', () => {
    let computed = 0
    fc.assert(
      fc.property(programs, (bytes) => {
        expect(WebAssembly.validate(bytes)).toBe(true)
        const { bytes: metered } = meterModule(bytes, LIMITS)
        expect(WebAssembly.validate(metered)).toBe(true)
        const plain = observe(bytes)
        const paid = observe(metered)
        // A program that calls itself without end runs out of one thing or of the other.
        if (paid.fuel! < 0n || plain.result === 'stack') return
        computed++
        expect(paid.result).toEqual(plain.result)
        expect(paid.memory).toBe(plain.memory)
        expect(observe(metered).fuel).toBe(paid.fuel)
        expect(paid.fuel).toBeLessThan(1_000_000n)
      }),
      { numRuns: process.env['SLOW'] ? 3000 : 300 },
    )
    expect(computed).toBeGreaterThan(100)
  })

  it('takes at least one for each turn, whatever a loop is made of', () => {
    fc.assert(
      fc.property(statement, fc.integer({ min: 1, max: 50 }), (inner, turns) => {
        const bytes = assemble({
          functions: [
            {
              locals: [
                [LOCALS + 1, I32],
                [1, I32],
              ],
              code: [
                ...i32(turns),
                ...set(LOCALS + 1),
                3,
                VOID,
                ...inner,
                ...get(LOCALS + 1),
                ...i32(1),
                107,
                34,
                ...unsigned(LOCALS + 1),
                13,
                0,
                11,
              ],
            },
            { params: [I32, I32], results: [I32], code: get(0) },
          ],
        })
        const { bytes: metered } = meterModule(bytes, LIMITS)
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(metered))
        try {
          ;(exports['_start'] as () => void)()
        } catch {
          // It divides by zero.
          return
        }
        const left = (exports['fuel-0'] as WebAssembly.Global<'i64'>).value
        expect(1_000_000n - left).toBeGreaterThanOrEqual(BigInt(turns))
      }),
      { numRuns: 100 },
    )
  })
})
