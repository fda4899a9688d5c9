import { expect, test } from 'vitest'
import { createClock } from '../../src/clock/index.ts'
import { claim } from '../../../../test/claims.ts'

test(
  claim('T13', 'the KMS tells time by witnesses: one that shows an old time again breaks no silence'),
  () => {
    let wall = 1_000_000
    let monotonic = 0
    const clock = createClock({ wall: () => wall, monotonic: () => monotonic })
    clock.observe(2000)
    monotonic = 30_500
    wall = 10_000
    clock.observe(100)
    expect([clock.now(), clock.sinceObserved()]).toEqual([2030, 30.5])
  },
)
