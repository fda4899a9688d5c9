import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { type EngineHost, type EngineProcess, runAs } from '../../../src/engines/index.ts'
import type { GenerateRequest } from '../../../src/engines/types.ts'
import { codeOf } from '../host/fake-model.ts'
import { collect, openRealHost, startWeights } from '../real-engines.ts'
import { testdata, testdataMissing } from '../testdata.ts'

const missing = testdataMissing()
const GREEDY = { temperature: 0 }
/** Never ends by itself: the token that ends answers is banned. */
const ENDLESS: GenerateRequest = { prompt: 'Once', sampling: { temperature: 0, logitBias: { 2: -100 } } }

describe.skipIf(missing !== undefined)('many clients of one model', () => {
  let host: EngineHost
  const start = (concurrency: number, over = {}): Promise<EngineProcess> =>
    startWeights(host, { engine: 'gguf', task: 'text-generation' }, testdata('llm/stories260K-f32.gguf'), {
      concurrency,
      cancelGraceMs: 20_000,
      ...over,
    })
  const short = (engine: EngineProcess, prompt = 'The dog'): Promise<string> =>
    collect(engine.generate({ prompt, sampling: GREEDY, maxTokens: 8 })).then(({ text }) => text)

  beforeAll(async () => {
    host = await openRealHost()
  })
  afterAll(() => host?.close())

  it('answers several at once, token by token', async () => {
    const engine = await start(4)
    const running = Array.from({ length: 4 }, () => engine.generate(ENDLESS))
    const deltas = await Promise.all(running.map((events) => events.next()))
    expect(deltas.map(({ value }) => value?.type)).toEqual(['delta', 'delta', 'delta', 'delta'])
    expect(engine.counters).toMatchObject({ running: 4, waiting: 0 })
    await Promise.all(running.map((events) => events.return()))
    await engine.close()
  })

  it(
    claim(
      'T19',
      'of 200 clients on one slot serves those who fit, refuses the rest by name, and lets a newcomer in',
    ),
    async () => {
      const engine = await start(1, { maxWaiting: 16 })
      const alone = await short(engine)
      const order: string[] = []
      const asked = Array.from({ length: 200 }, () =>
        runAs('flood', () => short(engine)).then((text) => (order.push('flood'), text)),
      )
      const one = runAs('one', () => short(engine)).then((text) => (order.push('one'), text))
      const ended = await Promise.allSettled(asked)
      const answers = ended.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []))
      const refusals = ended.flatMap((end) =>
        end.status === 'rejected' ? [(end.reason as { code: string }).code] : [],
      )
      expect(await one).toBe(alone)
      expect(order.indexOf('one')).toBeLessThanOrEqual(1)
      // One runs, 16 wait, and the newest of them made room.
      expect(new Set(answers)).toEqual(new Set([alone]))
      expect(answers).toHaveLength(16)
      expect(new Set(refusals)).toEqual(new Set(['ENGINE_BUSY']))
      expect(engine.counters).toMatchObject({ running: 0, waiting: 0, restarts: 0 })
      await engine.close()
    },
  )

  it('frees the slot of a cancelled answer at its next token, and keeps the process', async () => {
    const engine = await start(1)
    const { pid } = engine
    const abort = new AbortController()
    const events = engine.generate(ENDLESS, { signal: abort.signal })
    await events.next()
    const next = short(engine)
    expect(engine.counters).toMatchObject({ running: 1, waiting: 1 })
    abort.abort()
    expect(await codeOf(events.next())).toBe('ENGINE_CANCELLED')
    expect(await next).not.toBe('')
    expect([engine.pid, engine.counters.restarts]).toEqual([pid, 0])
    await engine.close()
  })

  it('refuses a prompt longer than the context, and nobody beside it notices', async () => {
    const engine = await start(2)
    const alone = await short(engine)
    const [refused, beside] = await Promise.all([
      codeOf(collect(engine.generate({ prompt: 'word '.repeat(600) }))),
      short(engine),
    ])
    expect([refused, beside]).toEqual(['ENGINE_CONTEXT_OVERFLOW', alone])
    await engine.close()
  })

  it('names the crash to those whose answers it cut, and serves the next from the weights in memory', async () => {
    const [engine, other] = [await start(2), await start(1)]
    const alone = await short(engine)
    const cut = [engine.generate(ENDLESS), engine.generate(ENDLESS)]
    await Promise.all(cut.map((events) => events.next()))
    process.kill(engine.pid!, 'SIGKILL')
    const ends = cut.map((events) =>
      codeOf(
        (async () => {
          for await (const _ of events) continue
        })(),
      ),
    )
    expect(await Promise.all(ends)).toEqual(['ENGINE_CRASHED', 'ENGINE_CRASHED'])
    expect(await short(other)).toBe(alone)
    expect(await short(engine)).toBe(alone)
    expect(engine.counters.restarts).toBe(1)
    await Promise.all([engine.close(), other.close()])
  })
})
