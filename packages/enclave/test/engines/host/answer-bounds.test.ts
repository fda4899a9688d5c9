import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerBounds, MAX_ANSWER_BYTES, MAX_ANSWER_EVENTS } from '../../../src/engines/host/answer-bounds.ts'
import type { EngineHost } from '../../../src/engines/host/index.ts'
import { ask, codeOf, openHost, startFake } from './fake-model.ts'

let host: EngineHost

beforeAll(async () => {
  host = await openHost()
})

afterAll(() => host.close())

describe('an engine that never stops', () => {
  it('is stopped at the bound of one answer, and the next call is answered', async () => {
    const engine = await startFake(host, 'still here', { cancelGraceMs: 50 })
    let bytes = 0
    const run = async (): Promise<void> => {
      for await (const event of engine.generate({ prompt: 'endless 100000' }))
        if (event.type === 'delta') bytes += event.text.length
    }
    expect(await codeOf(run())).toBe('ENGINE_ANSWER_TOO_LARGE')
    expect(bytes).toBeLessThanOrEqual(MAX_ANSWER_BYTES)
    expect(bytes).toBeGreaterThan(MAX_ANSWER_BYTES / 2)
    expect(await ask(engine, 'secret')).toBe('still here')
    await engine.close()
  })

  it('is stopped at a number of events too, however small they are', () => {
    const count = answerBounds('generate')
    for (let i = 0; i < MAX_ANSWER_EVENTS; i++) count(i)
    expect(() => count(1)).toThrow(expect.objectContaining({ code: 'ENGINE_ANSWER_TOO_LARGE' }))
    // One item is the whole answer of these, and the channel bounds it.
    answerBounds('infer')(MAX_ANSWER_BYTES + 1)
  })
})
