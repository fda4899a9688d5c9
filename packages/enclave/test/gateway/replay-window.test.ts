import { expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { createReplayWindow, type ReplayWindow } from '../../src/gateway/replay-window.ts'

function window(maxEntries = 100): { window: ReplayWindow; clock: { time: number } } {
  const clock = { time: 0 }
  return { clock, window: createReplayWindow({ keepMs: 1000, maxEntries, monotonicNow: () => clock.time }) }
}

test('an enc is new until it is recorded, and recorded once', () => {
  const { window: replays } = window()
  expect(replays.has(utf8('enc'))).toBe(false)
  expect(replays.record(utf8('enc'))).toBe(true)
  expect(replays.has(utf8('enc'))).toBe(true)
  expect(replays.record(utf8('enc'))).toBe(false)
  expect(replays.has(utf8('other'))).toBe(false)
})

test('an enc is remembered for the whole window and forgotten after two', () => {
  const { window: replays, clock } = window()
  clock.time = 999
  replays.record(utf8('enc'))
  clock.time = 1999
  expect(replays.has(utf8('enc'))).toBe(true)
  clock.time = 3000
  expect(replays.has(utf8('enc'))).toBe(false)
})

test('a long silence forgets everything at once', () => {
  const { window: replays, clock } = window()
  replays.record(utf8('enc'))
  clock.time = 2000
  expect(replays.has(utf8('enc'))).toBe(false)
})

test('a full window refuses instead of forgetting', () => {
  const { window: replays, clock } = window(2)
  replays.record(utf8('a'))
  clock.time = 1001
  replays.record(utf8('b'))
  expect(() => replays.record(utf8('c'))).toThrow(
    expect.objectContaining({ code: 'GATEWAY_REPLAY_FULL', action: 'retry' }),
  )
  expect(replays.record(utf8('a'))).toBe(false)
  clock.time = 2002
  expect(replays.record(utf8('c'))).toBe(true)
})
