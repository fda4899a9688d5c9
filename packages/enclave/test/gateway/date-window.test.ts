import { expect, test } from 'vitest'
import { createDateWindow } from '../../src/gateway/date-window.ts'

const START = Date.UTC(2026, 10, 21, 12, 0, 0)
const date = (ms: number): string => new Date(ms).toUTCString()

function open(): { accepts: (value: string | undefined) => boolean; clock: { time: number; mono: number } } {
  const clock = { time: START + 250, mono: 0 }
  const window = createDateWindow({
    windowMs: 60_000,
    now: () => clock.time,
    monotonicNow: () => clock.mono,
  })
  window.open()
  return { accepts: (value) => window.accepts(value), clock }
}

test('accepts a date within the window on both sides', () => {
  const { accepts, clock } = open()
  clock.time = START + 600_000
  expect([date(clock.time), date(clock.time - 59_000), date(clock.time + 59_000)].map(accepts)).toEqual([
    true,
    true,
    true,
  ])
  expect([date(clock.time - 61_000), date(clock.time + 61_000)].map(accepts)).toEqual([false, false])
})

test('refuses what was written before this process had a replay window', () => {
  const { accepts } = open()
  expect(accepts(date(START))).toBe(true)
  expect(accepts(date(START - 1000))).toBe(false)
})

test('accepts nothing before it is opened, and opens once', () => {
  let time = START
  const window = createDateWindow({ windowMs: 60_000, now: () => time, monotonicNow: () => 0 })
  expect(window.accepts(date(START))).toBe(false)
  time = START + 30_000
  window.open()
  expect([date(START + 29_000), date(START + 30_000)].map(window.accepts)).toEqual([false, true])
  time = START + 40_000
  window.open()
  expect(window.accepts(date(START + 30_000))).toBe(true)
})

test('a clock turned back does not reopen the past', () => {
  const { accepts, clock } = open()
  clock.time = START + 600_000
  expect(accepts(date(START + 1000))).toBe(false)
  clock.time = START + 2000
  expect(accepts(date(START + 1000))).toBe(false)
})

test('a clock that is held still does not keep an old request acceptable', () => {
  const { accepts, clock } = open()
  expect(accepts(date(START + 60_000))).toBe(true)
  clock.mono = 121_000
  expect(accepts(date(START + 60_000))).toBe(false)
  // As slow as the operator likes: the window has moved on with the other clock.
  expect(accepts(date(START + 121_000))).toBe(true)
})

test.each([
  undefined,
  '',
  'now',
  '2026-11-21T12:00:00Z',
  'Fri, 21 Nov 2026 12:00:00 GMT',
  'Sat, 21 Nov 2026 12:00:00 +0000',
  'Sat, 21 Nov 2026 12:00:00 GMT, Sat, 21 Nov 2026 12:00:00 GMT',
  'Saturday, 21-Nov-26 12:00:00 GMT',
])('refuses %j', (value) => {
  expect(open().accepts(value)).toBe(false)
})
