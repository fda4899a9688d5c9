import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { DataUse } from '@sotto/protocol/data-use'
import { claim } from '../../../../test/claims.ts'
import { openReceiptLog } from '../../src/roles/receipt-log.ts'
import { openDesk, receipt } from '../receipt-log/support.ts'

const USE: DataUse = { tasks: ['embedding'], retentionSeconds: 0, training: false }
const LOGGED: DataUse = { ...USE, receiptLogSeconds: 60 }

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

function partsOf(append: () => Promise<never>, at: () => void) {
  const { identity } = openDesk().held
  return {
    append: () => {
      at()
      return append()
    },
    identity: () => identity,
    onFailed: () => undefined,
  }
}
const taken = async (): Promise<never> => ({}) as never

test('what is not declared is not logged, and what is declared needs a log to write to', () => {
  const parts = partsOf(taken, () => undefined)
  expect(openReceiptLog(undefined, 'token', parts)).toBeUndefined()
  expect(openReceiptLog(USE, 'token', parts)).toBeUndefined()
  expect(openReceiptLog(LOGGED, 'token', parts)).toBeDefined()
  expect(() => openReceiptLog(LOGGED, undefined, parts)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})

/** Seconds at which something was sent to the log in ten minutes, with answers at these seconds. */
async function sendingTimes(answers: readonly number[], slow = 0): Promise<number[]> {
  const start = performance.now()
  const now = (): number => Math.round((performance.now() - start) / 1000)
  const times: number[] = []
  const append = (): Promise<never> =>
    new Promise((resolve) => void setTimeout(() => resolve({} as never), slow * 1000))
  const opened = openReceiptLog(
    LOGGED,
    'token',
    partsOf(append, () => void times.push(now())),
  )!
  let isEnding = false
  void opened.run(() => isEnding)
  for (let second = 0; second < 600; second++) {
    if (answers.includes(second)) opened.log.add(receipt())
    await vi.advanceTimersByTimeAsync(1000)
  }
  isEnding = true
  await vi.advanceTimersByTimeAsync(120_000)
  return times.filter((time) => time <= 600)
}

test(
  claim('receipt.logged', 'the log hears at fixed times, whenever answers are given and if none is'),
  async () => {
    const none = await sendingTimes([])
    expect(none).toEqual([60, 120, 180, 240, 300, 360, 420, 480, 540, 600])
    expect(await sendingTimes([1, 59, 60, 61, 119, 300, 301, 302])).toEqual(none)
    expect(await sendingTimes(Array.from({ length: 600 }, (_, at) => at))).toEqual(none)
  },
)

test('a slow log moves no later turn off its time', async () => {
  expect(await sendingTimes([], 90)).toEqual([60, 180, 300, 420, 540])
})

test('the end logs what waits, and does not wait for a log that is gone', async () => {
  let sent = 0
  const opened = openReceiptLog(
    LOGGED,
    'token',
    partsOf(taken, () => void sent++),
  )!
  opened.log.add(receipt())
  await opened.end()
  expect(sent).toBe(1)
  const silent = openReceiptLog(
    LOGGED,
    'token',
    partsOf(
      () => new Promise<never>(() => undefined),
      () => void sent++,
    ),
  )!
  let isOver = false
  void silent.end().then(() => (isOver = true))
  await vi.advanceTimersByTimeAsync(4999)
  expect([sent, isOver]).toEqual([2, false])
  await vi.advanceTimersByTimeAsync(2)
  expect(isOver).toBe(true)
})
