import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { EngineHost } from '../../../src/engines/host/index.ts'
import { ask, codeOf, openHost, startFake } from './fake-model.ts'

let host: EngineHost

beforeAll(async () => {
  host = await openHost()
})

afterAll(() => host.close())

it('an abort frees the slot of a reader who has stopped reading', async () => {
  const engine = await startFake(host, 'one at a time', { cancelGraceMs: 20 })
  const leave = new AbortController()
  const events = engine.generate({ prompt: 'flood 1000' }, { signal: leave.signal })
  await events.next()
  leave.abort()
  // Nobody asks for another event: the answer is larger than the window and would wait for ever.
  await vi.waitFor(() => expect(engine.counters.running).toBe(0), { timeout: 3000 })
  await vi.waitFor(async () => expect(await ask(engine, 'secret')).toBe('one at a time'), { timeout: 3000 })
  expect(await codeOf(events.next())).toBe('ENGINE_CANCELLED')
  await engine.close()
})

it('an engine that breaks the protocol as it gets ready is not taken for loaded', async () => {
  const entry = fileURLToPath(new URL('fixtures/ready-then-broken.ts', import.meta.url))
  const broken = await openHost({ entry })
  expect(await codeOf(startFake(broken, 'x'))).toBe('ENGINE_LOAD_FAILED')
  await broken.close()
})
