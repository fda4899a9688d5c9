import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { serveError } from '@sotto/serve/errors'
import { startPatiently } from '../../src/roles/start-patiently.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const away = (): Error => serveError('LOG_UNREACHABLE', 'the log does not answer')

function partThat(...outcomes: (Error | undefined)[]): { start(): Promise<void>; starts: number } {
  const part = {
    starts: 0,
    async start() {
      const outcome = outcomes[part.starts++]
      if (outcome !== undefined) throw outcome
    },
  }
  return part
}

test('tries as often as it takes, once a second, and tells of every failure', async () => {
  const part = partThat(away(), away())
  const told: unknown[] = []
  const started = startPatiently(
    part,
    () => false,
    (error) => told.push(error),
  )
  await vi.advanceTimersByTimeAsync(1999)
  expect(part.starts).toBe(2)
  await vi.advanceTimersByTimeAsync(1)
  expect([await started, part.starts, told.length]).toEqual([true, 3, 2])
})

test('gives up where trying again would not help', async () => {
  const part = partThat(serveError('LOG_REFUSED', 'the log does not take this entry'))
  const started = startPatiently(
    part,
    () => false,
    () => undefined,
  )
  await expect(started).rejects.toMatchObject({ code: 'LOG_REFUSED' })
  expect(part.starts).toBe(1)
})

test('ends with the role', async () => {
  let isEnding = false
  const part = partThat(away(), away(), away())
  const started = startPatiently(
    part,
    () => isEnding,
    () => undefined,
  )
  await vi.advanceTimersByTimeAsync(500)
  isEnding = true
  await vi.advanceTimersByTimeAsync(1000)
  expect([await started, part.starts]).toEqual([false, 1])
})
