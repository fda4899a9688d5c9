import { describe, expect, it, vi } from 'vitest'
import { Pace } from '../../../src/train/process/pace.ts'

/** A computation of so many steps, each of which takes so many milliseconds. */
function steps(count: number, ms: number): { pace: Pace<string>; done: () => number } {
  let done = 0
  const pace = new Pace(async (onProgress) => {
    while (done < count) {
      done++
      vi.advanceTimersByTime(ms)
      await onProgress({ done, of: count })
    }
    return 'over'
  })
  return { pace, done: () => done }
}

describe('a computation at a pace', () => {
  it('stands still where it has something to tell, until it is asked', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const { pace, done } = steps(5, 100)
      expect(await pace.next()).toEqual({ progress: { done: 2, of: 5 } })
      await new Promise((resolve) => setImmediate(resolve))
      expect(done()).toBe(2)
      expect(await pace.next()).toEqual({ progress: { done: 4, of: 5 } })
      expect(await pace.next()).toEqual({ progress: { done: 5, of: 5 }, result: 'over' })
      expect(await pace.next()).toEqual({ progress: { done: 5, of: 5 }, result: 'over' })
    } finally {
      vi.useRealTimers()
    }
  })

  it('does not stand still for steps that take no time', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const { pace } = steps(1000, 0)
      expect(await pace.next()).toEqual({ progress: { done: 1000, of: 1000 }, result: 'over' })
    } finally {
      vi.useRealTimers()
    }
  })

  it('throws what the computation does, to whoever asks', async () => {
    const pace = new Pace(() => Promise.reject(new Error('broken')))
    await new Promise((resolve) => setImmediate(resolve))
    await expect(pace.next()).rejects.toThrow('broken')
  })
})
