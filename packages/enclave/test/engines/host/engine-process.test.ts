import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EngineHost } from '../../../src/engines/host/index.ts'
import { ask, codeOf, openHost, startFake, textOf } from './fake-model.ts'

let host: EngineHost

beforeAll(async () => {
  host = await openHost()
})

afterAll(() => host.close())

describe('calls', () => {
  it('answers every operation from the model it was given', async () => {
    const engine = await startFake(host, 'weights in memory')
    expect(await ask(engine, 'secret')).toBe('weights in memory')
    expect(await engine.tokenize('ab')).toEqual([97, 98])
    expect((await engine.embed({ inputs: ['abc', 'd'] })).vectors).toEqual([
      Float32Array.of(3, 1),
      Float32Array.of(1, 1),
    ])
    const data = new Uint8Array(3_000_000).fill(7)
    const tensors = await engine.infer({
      inputs: [
        { name: 'a', datatype: 'UINT8', shape: [3_000_000], data },
        { name: 'b', datatype: 'UINT8', shape: [0], data: new Uint8Array(0) },
      ],
    })
    expect(tensors.map((tensor) => [tensor.name, tensor.data.length])).toEqual([
      ['b', 0],
      ['a', 3_000_000],
    ])
    expect(tensors[1]!.data.every((byte) => byte === 7)).toBe(true)
    await engine.close()
  })

  it('passes a clear refusal, and withholds the words of a library', async () => {
    const engine = await startFake(host, 'x')
    expect(await codeOf(ask(engine, 'refuse'))).toBe('ENGINE_CONTEXT_OVERFLOW')
    const failure = await ask(engine, 'throw my-diagnosis').catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'ENGINE_FAILED' })
    expect(String(failure)).not.toContain('my-diagnosis')
    await engine.close()
  })

  it('refuses an operation the model does not offer', async () => {
    const engine = await startFake(host, 'x')
    expect(await codeOf(textOf(engine.summarize({ text: 'x' })))).toBe('ENGINE_UNSUPPORTED')
    await engine.close()
  })

  it('treats an event of the wrong type as a breach of protocol', async () => {
    const engine = await startFake(host, 'x')
    expect(await codeOf(ask(engine, 'nonsense'))).toBe('ENGINE_PROTOCOL')
    await engine.close()
  })
})

describe('crash', () => {
  it('delivers what came before, names the crash, and restarts from the weights in memory', async () => {
    const engine = await startFake(host, 'still here')
    const events: string[] = []
    const run = async (): Promise<void> => {
      for await (const event of engine.generate({ prompt: 'crash' }))
        if (event.type === 'delta') events.push(event.text)
    }
    expect(await codeOf(run())).toBe('ENGINE_CRASHED')
    expect(events).toEqual(['before'])
    expect(await ask(engine, 'secret')).toBe('still here')
    expect(engine.counters.restarts).toBe(1)
    await engine.close()
  })

  it('leaves the engine beside it alone', async () => {
    const [one, two] = await Promise.all([startFake(host, 'one'), startFake(host, 'two')])
    const pid = two.pid
    const running = ask(two, 'slow 10')
    expect(await codeOf(ask(one, 'crash-now'))).toBe('ENGINE_CRASHED')
    expect(await running).toBe('0 1 2 3 4 5 6 7 8 9 ')
    expect(two.pid).toBe(pid)
    await Promise.all([one.close(), two.close()])
  })

  it('gives up an engine that cannot be loaded again, and says so to those who wait', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sotto-needed-'))
    chmodSync(directory, 0o755)
    const engine = await startFake(host, `needs ${directory}`, { restartBackoffMs: 5 })
    rmSync(directory, { recursive: true })
    expect(await codeOf(ask(engine, 'crash-now'))).toBe('ENGINE_CRASHED')
    expect(await codeOf(ask(engine, 'secret'))).toBe('ENGINE_MODEL_INVALID')
    expect(engine.state).toBe('failed')
    await engine.close()
    expect(await codeOf(ask(engine, 'secret'))).toBe('ENGINE_CLOSED')
  })

  it('is closed for good by close', async () => {
    const engine = await startFake(host, 'x')
    const running = codeOf(ask(engine, 'slow 1000'))
    await new Promise((resolve) => setTimeout(resolve, 30))
    await engine.close()
    expect(await running).toBe('ENGINE_CLOSED')
    expect(engine.state).toBe('closed')
  })
})

describe('hang', () => {
  it('ends an engine that is silent for too long when it is its turn', async () => {
    const engine = await startFake(host, 'x', { idleTimeoutMs: 500 })
    expect(await codeOf(ask(engine, 'hang'))).toBe('ENGINE_TIMEOUT')
    expect(await ask(engine, 'secret')).toBe('x')
    await engine.close()
  })

  it('does not blame the engine for a caller who reads or sends slowly', async () => {
    const engine = await startFake(host, 'x', { idleTimeoutMs: 500 })
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000))
    let seen = 0
    for await (const event of engine.generate({ prompt: 'flood 300' })) {
      if (event.type === 'delta' && seen++ === 0) await pause()
    }
    expect(seen).toBe(300)
    async function* slowAudio(): AsyncGenerator<Float32Array> {
      yield new Float32Array(10)
      await pause()
      yield new Float32Array(10)
    }
    for await (const event of engine.transcribe(slowAudio()))
      expect(event).toMatchObject({ type: 'done', text: '20' })
    await engine.close()
  })
})

describe('cancel', () => {
  it('frees the caller at once and keeps an engine that obeys', async () => {
    const engine = await startFake(host, 'x', { cancelGraceMs: 5000 })
    const pid = engine.pid
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 50)
    const started = performance.now()
    expect(await codeOf(textOf(engine.generate({ prompt: 'slow 1000' }, { signal: abort.signal })))).toBe(
      'ENGINE_CANCELLED',
    )
    expect(performance.now() - started).toBeLessThan(3000)
    expect(await ask(engine, 'secret')).toBe('x')
    expect(engine.pid).toBe(pid)
    await engine.close()
  })

  it('ends an engine that computes on, and starts it again', async () => {
    const engine = await startFake(host, 'one at a time', { cancelGraceMs: 50 })
    const pid = engine.pid
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 50)
    const cancelled = codeOf(textOf(engine.generate({ prompt: 'hang' }, { signal: abort.signal })))
    const waiting = ask(engine, 'secret')
    expect(await cancelled).toBe('ENGINE_CANCELLED')
    expect(await waiting).toBe('one at a time')
    expect(engine.pid).not.toBe(pid)
    await engine.close()
  })

  it('does not end the calls of others because one caller cancelled', async () => {
    const engine = await startFake(host, 'x', { cancelGraceMs: 20 })
    const pid = engine.pid
    const other = ask(engine, 'slow 15')
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 30)
    expect(await codeOf(textOf(engine.generate({ prompt: 'deaf 10' }, { signal: abort.signal })))).toBe(
      'ENGINE_CANCELLED',
    )
    expect(await other).toContain('14 ')
    expect(engine.pid).toBe(pid)
    await engine.close()
  })

  it('cancels when the caller leaves the loop', async () => {
    const engine = await startFake(host, 'one at a time', { cancelGraceMs: 5000 })
    for await (const event of engine.generate({ prompt: 'slow 100000' })) if (event.type === 'delta') break
    expect(await ask(engine, 'secret')).toBe('one at a time')
    expect(engine.counters.restarts).toBe(0)
    await engine.close()
  })

  it('tells an upload source that nobody reads it any more', async () => {
    const engine = await startFake(host, 'x')
    let returned = false
    async function* endless(): AsyncGenerator<Float32Array> {
      try {
        for (let i = 0; ; i++) yield new Float32Array(1000).fill(i === 3 ? -1 : 0)
      } finally {
        returned = true
      }
    }
    for await (const event of engine.transcribe(endless())) expect(event.type).toBe('done')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(returned).toBe(true)
    async function* broken(): AsyncGenerator<Float32Array> {
      yield new Float32Array(10)
      throw Object.assign(new Error('bad audio'), { code: 'AUDIO_BROKEN' })
    }
    const run = async (): Promise<void> => {
      for await (const _ of engine.transcribe(broken())) throw new Error('no event expected')
    }
    expect(await codeOf(run())).toBe('AUDIO_BROKEN')
    await engine.close()
  })
})

describe('load', () => {
  it('runs no more calls at once than the engine allows, queues the next, refuses the rest', async () => {
    const engine = await startFake(host, 'one at a time', { maxWaiting: 1 })
    const first = ask(engine, 'slow 10')
    const second = ask(engine, 'secret')
    expect(await codeOf(ask(engine, 'secret'))).toBe('ENGINE_BUSY')
    expect(engine.counters).toMatchObject({ running: 1, waiting: 1 })
    expect([await first, await second]).toEqual(['0 1 2 3 4 5 6 7 8 9 ', 'one at a time'])
    expect(engine.counters).toMatchObject({ running: 0, waiting: 0 })
    await engine.close()
  })

  it('lets nobody wait for ever, and nobody who aborted', async () => {
    const engine = await startFake(host, 'one at a time', { maxWaitMs: 50 })
    const first = ask(engine, 'slow 10')
    const abort = new AbortController()
    const aborted = codeOf(textOf(engine.generate({ prompt: 'secret' }, { signal: abort.signal })))
    abort.abort()
    expect(await aborted).toBe('ENGINE_CANCELLED')
    expect(await codeOf(ask(engine, 'secret'))).toBe('ENGINE_BUSY')
    await first
    await engine.close()
  })

  it('runs concurrent calls of an engine that can', async () => {
    const engine = await startFake(host, 'x', { concurrency: 8 })
    const started = performance.now()
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(engine, 'slow 20')))
    expect(new Set(answers).size).toBe(1)
    expect(performance.now() - started).toBeLessThan(8 * 400 - 500)
    await engine.close()
  })

  it('stops an engine that produces more than its reader takes', async () => {
    const engine = await startFake(host, 'x')
    const generation = engine.generate({ prompt: 'flood 3000' })[Symbol.asyncIterator]()
    await generation.next()
    const before = process.memoryUsage()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const after = process.memoryUsage()
    // 30 MB are on offer; the window is 1 MiB.
    expect(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(
      15_000_000,
    )
    await generation.return?.()
    await engine.close()
  })

  it('reads an upload only as fast as the engine takes it', async () => {
    const engine = await startFake(host, 'x')
    let produced = 0
    const abort = new AbortController()
    async function* fast(): AsyncGenerator<Float32Array> {
      for (; produced < 2000; produced++) yield new Float32Array(16_000)
    }
    const run = async (): Promise<void> => {
      for await (const _ of engine.transcribe(fast(), {}, { signal: abort.signal }))
        throw new Error('no event expected')
    }
    setTimeout(() => abort.abort(), 300)
    expect(await codeOf(run())).toBe('ENGINE_CANCELLED')
    // The engine takes a block a millisecond at best; the window holds 16 blocks more.
    expect(produced).toBeLessThan(500)
    await engine.close()
  })
})
