import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { createClock, type WitnessedClock } from '../../src/clock/index.ts'

function clockAt(wallSeconds: number): { clock: WitnessedClock; host: { wall: number; monotonic: number } } {
  const host = { wall: wallSeconds * 1000, monotonic: 0 }
  return { host, clock: createClock({ wall: () => host.wall, monotonic: () => host.monotonic }) }
}

test(claim('T13', 'a wall clock turned back does not bring time back'), () => {
  const { clock, host } = clockAt(1000)
  expect(clock.now()).toBe(1000)
  host.wall = 10_000
  expect(clock.now()).toBe(1000)
  clock.observe(2000)
  host.monotonic = 30_500
  expect(clock.now()).toBe(2030)
  host.wall = 9_000_000
  expect(clock.now()).toBe(9000)
})

test(claim('T13', 'what witnesses vouched for takes nothing from the wall clock'), () => {
  const { clock, host } = clockAt(9000)
  expect([clock.witnessed(), clock.now()]).toEqual([Number.NEGATIVE_INFINITY, 9000])
  clock.observe(2000)
  host.monotonic = 30_500
  expect([clock.witnessed(), clock.now()]).toEqual([2030.5, 9000])
  host.wall = 0
  clock.observe(2010)
  expect(clock.witnessed()).toBe(2030.5)
})

test(claim('T13', 'silence of the witnesses is counted by the monotonic clock'), () => {
  const { clock, host } = clockAt(1000)
  expect(clock.sinceObserved()).toBe(Number.POSITIVE_INFINITY)
  clock.observe(2000)
  expect(clock.sinceObserved()).toBe(0)
  host.monotonic = 30_500
  expect(clock.sinceObserved()).toBe(30.5)
  clock.observe(2300)
  expect([clock.sinceObserved(), clock.now()]).toEqual([0, 2300])
})

test(claim('T13', 'an old checkpoint shown again, or hoarded ones shown late, break no silence'), () => {
  const { clock, host } = clockAt(1000)
  clock.observe(2000)
  host.monotonic = 3_600_000
  for (const again of [2000, 100]) clock.observe(again)
  expect([clock.sinceObserved(), clock.now()]).toEqual([3600, 5600])
  // Of five minutes later, but shown after an hour: it is 55 minutes old.
  clock.observe(2300)
  expect([clock.sinceObserved(), clock.now()]).toEqual([3300, 5600])
})
