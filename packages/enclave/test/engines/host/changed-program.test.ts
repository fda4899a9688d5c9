import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type EngineHost, type EngineProgram } from '../../../src/engines/host/index.ts'
import { engineError } from '../../../src/engines/errors.ts'
import { claim } from '../../../../../test/claims.ts'
import { ask, codeOf, openHost, startFake } from './fake-model.ts'

const CHANGED = engineError('ENGINE_PROGRAM_CHANGED', 'engine.js is not the file that was measured', {
  expected: 'aa',
  found: 'bb',
})

let folder: string
let host: EngineHost
/** Answers of the next looks at the program; when none is left it is unchanged. */
let looks: (Error | undefined)[]
let program: EngineProgram
let failed: Error[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-program-'))
  writeFileSync(join(folder, 'preload.mjs'), '')
  looks = []
  failed = []
  program = {
    folder,
    preload: join(folder, 'preload.mjs'),
    covers: () => true,
    verify: vi.fn(async () => {
      const next = looks.shift()
      if (next) throw next
    }),
  }
  // Without the sandbox's uid, which may not read the folder above.
  host = await openHost({ program, onFailed: (reason) => void failed.push(reason), hostUid: 1000 })
  vi.mocked(program.verify).mockClear()
})
afterEach(async () => {
  await host.close()
  rmSync(folder, { recursive: true })
})

const failedState = (engine: { state: string }): Promise<void> =>
  vi.waitFor(() => expect(engine.state).toBe('failed'), { timeout: 10_000 })

describe('an engine whose files on the disk have changed', () => {
  it(claim('T7', 'is not started'), async () => {
    looks = [CHANGED]
    expect(await codeOf(startFake(host, 'x'))).toBe('ENGINE_PROGRAM_CHANGED')
    expect(program.verify).toHaveBeenCalledTimes(1)
  })

  it('gets no request when they changed while it read them', async () => {
    looks = [undefined, CHANGED]
    expect(await codeOf(startFake(host, 'x'))).toBe('ENGINE_PROGRAM_CHANGED')
    expect(program.verify).toHaveBeenCalledTimes(2)
  })

  it(claim('T7', 'is not started again, while the engine beside it goes on'), async () => {
    const [engine, other] = await Promise.all([startFake(host, 'one'), startFake(host, 'two')])
    expect(await ask(engine, 'secret')).toBe('one')
    looks = [CHANGED]
    process.kill(engine.pid!, 'SIGKILL')
    await failedState(engine)
    // At once: what changed does not change back, and nobody waits for another try.
    expect(engine.counters.restarts).toBe(1)
    await expect(ask(engine, 'secret')).rejects.toMatchObject({ expected: 'aa', found: 'bb' })
    expect(failed).toEqual([CHANGED])
    expect(await ask(other, 'secret')).toBe('two')
    await Promise.all([engine.close(), other.close()])
  })

  it('is ended when they changed while it was started again', async () => {
    const engine = await startFake(host, 'one')
    looks = [undefined, CHANGED]
    process.kill(engine.pid!, 'SIGKILL')
    await failedState(engine)
    expect(engine.pid).toBeUndefined()
    await engine.close()
  })

  it('starts again from files that are what they were', async () => {
    const engine = await startFake(host, 'one')
    process.kill(engine.pid!, 'SIGKILL')
    await vi.waitFor(() => expect(engine.counters.restarts).toBe(1), { timeout: 10_000 })
    expect(await ask(engine, 'secret')).toBe('one')
    // Before the process and once it is ready, both times.
    expect(program.verify).toHaveBeenCalledTimes(4)
    await engine.close()
  })
})

describe('a host', () => {
  it('does not open when Node or the entry are not files of the program', async () => {
    const outside = { ...program, covers: (path: string) => path !== process.execPath }
    await expect(openHost({ program: outside })).rejects.toMatchObject({
      code: 'ENGINE_PROGRAM_CHANGED',
      found: process.execPath,
    })
  })
})
