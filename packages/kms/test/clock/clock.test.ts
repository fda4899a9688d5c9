import { expect, test } from 'vitest'
import { createClock } from '../../src/clock/index.ts'
import { claim } from '../../../../test/claims.ts'

test(claim('T13', 'a wall clock turned back does not bring time back'), () => {
  let wall = 1_000_000
  let monotonic = 0
  const clock = createClock({ wall: () => wall, monotonic: () => monotonic })
  expect(clock.now()).toBe(1000)
  wall = 500_000
  expect(clock.now()).toBe(1000)
  expect(clock.sinceObserved()).toBe(Number.POSITIVE_INFINITY)
  clock.observe(2000)
  monotonic = 30_500
  expect(clock.now()).toBe(2030)
  expect(clock.sinceObserved()).toBe(30.5)
  clock.observe(100)
  expect(clock.now()).toBe(2030)
  expect(clock.sinceObserved()).toBe(0)
  wall = 9_000_000
  expect(clock.now()).toBe(9000)
})
