import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createHash, randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { EngineHost, type EngineProcess } from '../../../src/engines/host/index.ts'
import { buildElf, buildLauncher } from '../host/build-elf.ts'
import { codeOf, textOf } from '../host/fake-model.ts'
import { collect, startWeights } from '../real-engines.ts'
import { testdata, testdataMissing } from '../testdata.ts'

const ENTRY = fileURLToPath(new URL('../../../src/engines/worker/main.ts', import.meta.url))
const FAKE = fileURLToPath(new URL('fixtures/fake-llama-server.mjs', import.meta.url))
const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
const missing = testdataMissing() ?? otherProcessor()

describe.skipIf(missing !== undefined)('an engine whose llama-server misbehaves', () => {
  let directory: string
  let path: string
  let host: EngineHost

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sotto-fake-server-'))
    path = join(directory, 'llama-server')
    // Executable by every uid, in a folder only ours may enter: the sandbox shows it all the same.
    writeFileSync(path, buildLauncher(process.execPath, FAKE))
    chmodSync(path, 0o755)
    host = await open({ path, sha256: sha256Of(path) })
  })
  afterAll(async () => {
    await host?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const open = (llamaServer: { path: string; sha256: string }): Promise<EngineHost> =>
    EngineHost.open({ entry: ENTRY, require: 'best-effort', llamaServer })
  /** The vocabulary is a real one; what stands behind the file's end tells the fake what to do. */
  const start = (mode: string, over = {}): Promise<EngineProcess> =>
    startWeights(
      host,
      { engine: 'gguf', task: 'text-generation' },
      Buffer.concat([testdata('llm/stories260K-f16.gguf'), Buffer.from(`fake-mode: ${mode}`)]),
      { concurrency: 2, ...over },
    )
  const ask = (engine: EngineProcess, prompt = 'Once'): Promise<string> => textOf(engine.generate({ prompt }))
  const isAlive = (pid: number): boolean => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]![0] !== 'Z'
    } catch {
      return false
    }
  }
  const childrenOf = (pid: number): number[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').filter(Boolean).map(Number)

  it(claim('T19', 'asks it to keep nothing, but for a salt of the client'), async () => {
    const engine = await start('good')
    const cacheSalt = randomBytes(16).toString('hex')
    const said = async (salt?: string): Promise<{ cachePrompt: boolean; slot: number }> =>
      JSON.parse(
        (await collect(engine.generate({ prompt: 'Once', ...(salt && { cacheSalt: salt }) }))).text,
      ) as never
    expect([
      (await said()).cachePrompt,
      (await said(cacheSalt)).cachePrompt,
      (await said()).cachePrompt,
    ]).toEqual([false, false, false])
    const again = await collect(engine.generate({ prompt: 'Once', cacheSalt }))
    expect((JSON.parse(again.text) as { cachePrompt: boolean }).cachePrompt).toBe(true)
    expect(again.done!.usage.cachedInputTokens).toBe(again.done!.usage.inputTokens - 1)
    await engine.close()
  })

  it('names its crash, and starts both again', async () => {
    const engine = await start('crash')
    expect(await codeOf(ask(engine))).toBe('ENGINE_CRASHED')
    const deadline = Date.now() + 20_000
    while ((engine.state !== 'ready' || engine.counters.restarts < 1) && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect([engine.state, engine.counters.restarts]).toEqual(['ready', 1])
    await engine.close()
  })

  it('refuses nonsense, and ends a server that hangs with its engine', async () => {
    const engine = await start('nonsense')
    expect(await codeOf(ask(engine))).toBe('ENGINE_PROTOCOL')
    await engine.close()
    const hanging = await start('hang', { idleTimeoutMs: 500 })
    expect(await codeOf(ask(hanging))).toBe('ENGINE_TIMEOUT')
    await hanging.close()
  })

  it('never ends a part like a whole', async () => {
    const engine = await start('ends')
    const read = async (
      maxTokens: number,
      stop?: string[],
    ): Promise<[code: string, text: string, end: string | undefined]> => {
      let [text, end] = ['', undefined as string | undefined]
      const events = engine.generate({ prompt: 'Once', maxTokens, ...(stop && { stop }) })
      const code = await codeOf(
        (async () => {
          for await (const event of events) {
            if (event.type === 'delta') text += event.text
            if (event.type === 'done') end = event.finishReason
          }
        })(),
      )
      return [code, text, end]
    }
    // Cut after a token, before one, without a reason, and by a connection that breaks.
    expect(await read(1)).toEqual(['ENGINE_PROTOCOL', 'half', undefined])
    expect(await read(2)).toEqual(['ENGINE_PROTOCOL', '', undefined])
    expect(await read(3)).toEqual(['ENGINE_PROTOCOL', 'half', undefined])
    expect(await read(4)).toEqual(['ENGINE_CRASHED', 'half', undefined])
    // What was asked for is whole where its own stop came before.
    expect(await read(1, ['al'])).toEqual(['no error', 'h', 'stop'])
    expect(engine.counters.restarts).toBe(0)
    await engine.close()
  })

  it('refuses a model that it does not accept', async () => {
    expect(await codeOf(start('dies'))).toBe('ENGINE_MODEL_INVALID')
  })

  it(claim('T19', 'takes it along when the engine is unloaded or killed'), async () => {
    for (const end of [
      (engine: EngineProcess) => engine.close(),
      async (engine: EngineProcess) => void process.kill(engine.pid!, 'SIGKILL'),
    ]) {
      const engine = await start('good')
      const [server] = childrenOf(engine.pid!)
      expect(server).toBeDefined()
      await end(engine)
      const deadline = Date.now() + 5000
      while (isAlive(server!) && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 20))
      expect(isAlive(server!)).toBe(false)
      await engine.close()
    }
  })

  it(claim('T7', 'starts no llama-server but the one the configuration names'), async () => {
    expect(await codeOf(open({ path, sha256: '0'.repeat(64) }))).toBe('ENGINE_PROGRAM_CHANGED')
    expect(await codeOf(open({ path: join(directory, 'nothing'), sha256: '0'.repeat(64) }))).toBe(
      'ENGINE_PROGRAM_CHANGED',
    )
    const copy = join(directory, 'copy')
    writeFileSync(copy, readFileSync(path))
    chmodSync(copy, 0o755)
    const other = await open({ path: copy, sha256: sha256Of(copy) })
    writeFileSync(copy, Buffer.concat([readFileSync(path), Buffer.from('changed')]))
    const changed = startWeights(
      other,
      { engine: 'gguf', task: 'text-generation' },
      testdata('llm/stories260K-f16.gguf'),
    )
    expect(await codeOf(changed)).toBe('ENGINE_PROGRAM_CHANGED')
    await other.close()
  })

  it(claim('T7', 'starts no llama-server that would load libraries'), async () => {
    const shared = join(directory, 'shared')
    writeFileSync(shared, buildElf({ interpreter: '/lib64/ld-linux-x86-64.so.2', libraries: ['libc.so.6'] }))
    chmodSync(shared, 0o755)
    expect(await codeOf(open({ path: shared, sha256: sha256Of(shared) }))).toBe('ENGINE_PROGRAM_NOT_STATIC')
    // One that comes to lie beside it later ends the next start.
    const library = join(directory, 'libggml-cuda.so')
    const engine = await start('good')
    writeFileSync(library, '')
    try {
      expect(await codeOf(start('good'))).toBe('ENGINE_PROGRAM_NOT_STATIC')
      process.kill(engine.pid!, 'SIGKILL')
      const deadline = Date.now() + 20_000
      while (engine.state !== 'failed' && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 20))
      expect(await codeOf(ask(engine))).toBe('ENGINE_PROGRAM_NOT_STATIC')
    } finally {
      rmSync(library)
      await engine.close()
    }
  })
})

/** The fake is machine code. */
function otherProcessor(): string | undefined {
  if (process.arch === 'x64' && process.platform === 'linux') return undefined
  const reason = `the fake llama-server is a program for x86-64 Linux, and this is ${process.platform} ${process.arch}`
  process.stderr.write(`skipped: ${reason}\n`)
  return reason
}
