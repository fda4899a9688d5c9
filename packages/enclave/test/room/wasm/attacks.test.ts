import { SottoError } from '@sotto/protocol/errors'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { ATTACKS } from './attacks.ts'
import { BUFFER, codeOf, COPY, dataAt, PROC_EXIT, RANDOM_GET, run, WASI, writing } from './programs.ts'
import { call, DROP, i32, program } from './assembler.ts'

function errorOf(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

describe(claim('rooms.code', 'a module'), () => {
  it.each(ATTACKS)('that $name ends with $code', ({ module, code }) => {
    expect(WebAssembly.validate(module) || code === 'format').toBe(true)
    expect(
      codeOf(() =>
        run(module, { inputs: { people: 'secret' }, limits: { memoryBytes: 4 * 65_536, fuelMillions: 2 } }),
      ),
    ).toBe(code)
  })

  it('says nothing of what it read by the way it fails', () => {
    expect(ATTACKS.length).toBeGreaterThan(10)
    for (const { name, module } of ATTACKS) {
      const error = errorOf(() =>
        run(module, { inputs: { people: 'secret' }, limits: { memoryBytes: 4 * 65_536, fuelMillions: 2 } }),
      )
      expect(error, name).toBeInstanceOf(SottoError)
      const { message, expected = '', found = '', hint = '' } = error as SottoError
      expect([message, expected, found, hint].join(' ')).not.toMatch(/secret|77|divi|bounds|unreachable/)
    }
  })

  it('copies an input to its output, of any size that it may', () => {
    for (const length of [0, 1, 6, 7, 8, 1000])
      expect(run(COPY, { inputs: { people: 'x'.repeat(length) } }).output).toBe('x'.repeat(length))
    expect(codeOf(() => run(COPY, { inputs: { people: 'x'.repeat(1001) } }))).toBe('ROOM_WASM_TOO_LARGE')
  })

  it('uses the same fuel for the same input, and for another only what it does with it', () => {
    const left = (people: string): bigint => run(COPY, { inputs: { people } }).fuelLeft
    expect(left('a'.repeat(500))).toBe(left('b'.repeat(500)))
    expect(left('a'.repeat(500))).toBeLessThan(left('a'.repeat(400)))
  })

  it('ends well with status 0, and with nothing', () => {
    const exit = [...i32(0), ...call(PROC_EXIT)]
    const code = writing([], 3, { data: [dataAt(16, 'out'), dataAt(BUFFER, 'abc')] })
    expect(run(code).output).toBe('abc')
    expect(run(program(exit, { imports: WASI })).output).toBe('')
    expect(run(program([])).output).toBe('')
  })

  it('has the same chance in each run of a seed', () => {
    const random = writing([...i32(BUFFER), ...i32(32), ...call(RANDOM_GET), ...DROP], 32)
    const drawn = (seed: string): string => run(random, { seed: seed.repeat(32) }).output
    expect(drawn('01')).toBe(drawn('01'))
    expect(drawn('01')).not.toBe(drawn('02'))
  })
})
