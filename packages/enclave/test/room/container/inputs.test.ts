import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type JobInputs, writeInputs } from '../../../src/room/container/inputs.ts'
import { watchTurns } from '../../pause/turns.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-inputs-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const never = new AbortController().signal
const items = (count: number): JobInputs =>
  new Map([['notes', Array.from({ length: count }, (_, at) => Uint8Array.of(at, at >> 8))]])

describe('inputs of a job', () => {
  it('are there as they are, for everybody to read and nobody to write', async () => {
    async function* coming(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(4)
      yield Uint8Array.of(5, 6)
    }
    const large = new Uint8Array(3 * 1024 * 1024 + 7).map((_, at) => at)
    await writeInputs(
      folder,
      new Map<string, never>([
        ['a', large as never],
        ['b', coming() as never],
      ]),
      never,
    )
    await writeInputs(folder, items(3), never)
    expect(readFileSync(join(folder, 'a')).equals(large)).toBe(true)
    expect([...readFileSync(join(folder, 'b'))]).toEqual([4, 5, 6])
    expect([...readFileSync(join(folder, 'notes/2'))]).toEqual([2, 0])
    const modes = ['a', 'b', 'notes', 'notes/2'].map((path) => statSync(join(folder, path)).mode & 0o777)
    expect(modes).toEqual([0o444, 0o444, 0o755, 0o444])
  })

  it.each([
    ['many files', items(300)],
    ['many empty files', new Map([['notes', Array.from({ length: 300 }, () => new Uint8Array())]])],
    ['one large file', new Map([['notes', new Uint8Array(100 * 1024 * 1024)]])],
  ])('let others have their turns: %s', async (_, inputs) => {
    const { others } = watchTurns()
    await writeInputs(folder, inputs, never)
    expect(others()).toBeGreaterThan(20)
  })

  it('of a job that was cancelled are written no more: its folder may be another one by then', async () => {
    const { onTurn } = watchTurns()
    const stop = new AbortController()
    let written = 0
    onTurn((turn) => {
      if (turn !== 5) return
      stop.abort(new Error('cancelled'))
      written = readdirSync(join(folder, 'notes')).length
    })
    await expect(writeInputs(folder, items(300), stop.signal)).rejects.toThrow('cancelled')
    expect(written).toBeGreaterThan(0)
    expect(readdirSync(join(folder, 'notes'))).toHaveLength(written)
  })
})
