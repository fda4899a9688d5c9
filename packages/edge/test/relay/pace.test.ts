import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type ClientPaceLimits, startClientPace } from '../../src/relay/pace.ts'

const LIMITS: ClientPaceLimits = { idleMs: 1000, minBytesPerSecond: 100, graceMs: 500 }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = (): Promise<never> => new Promise(() => {})
const after = (ms: number): Promise<string> => new Promise((resolve) => setTimeout(resolve, ms, 'there'))
/** How long somebody is waited for who brings nothing. */
async function patience(pace: ReturnType<typeof startClientPace>): Promise<number> {
  const since = performance.now()
  const refused = expect(pace.waitFor(never())).rejects.toMatchObject({ code: 'RELAY_TOO_SLOW' })
  await vi.runAllTimersAsync()
  await refused
  return performance.now() - since
}

it('waits for what comes in time', async () => {
  const waiting = startClientPace(LIMITS).waitFor(after(499))
  await vi.runAllTimersAsync()
  expect(await waiting).toBe('there')
})

it('waits for a newcomer as long as the grace', async () => {
  expect(await patience(startClientPace(LIMITS))).toBe(500)
})

it('waits longer for who has brought something, never longer than the longest pause', async () => {
  const pace = startClientPace(LIMITS)
  pace.count(20)
  expect(await patience(pace)).toBe(700)
  pace.count(30)
  expect(await patience(pace)).toBe(300)
  pace.count(1_000_000)
  expect(await patience(pace)).toBe(1000)
})

it('takes who dribbles for too slow, however short each pause', async () => {
  const pace = startClientPace(LIMITS)
  let pauses = 0
  const dribbling = (async () => {
    for (; pauses < 1000; pauses++) {
      await pace.waitFor(after(100))
      pace.count(1)
    }
  })()
  const refused = expect(dribbling).rejects.toMatchObject({ code: 'RELAY_TOO_SLOW' })
  await vi.runAllTimersAsync()
  await refused
  expect(pauses).toBe(5)
})

it('holds no time against a client in which nobody waited for it', async () => {
  const pace = startClientPace(LIMITS)
  await vi.advanceTimersByTimeAsync(100_000)
  expect(await patience(pace)).toBe(500)
})

it('lets any pace do where none is asked for', async () => {
  expect(await patience(startClientPace({ ...LIMITS, minBytesPerSecond: 0 }))).toBe(1000)
})
