import { expect, it, onTestFinished } from 'vitest'
import { createGiveWay } from '../../src/pause/index.ts'

/** How often others had their turn. */
function turns(): () => number {
  let count = 0
  const next = (): void => {
    count++
    turning = setImmediate(next)
  }
  let turning = setImmediate(next)
  onTestFinished(() => clearImmediate(turning))
  return () => count
}

it('lets others in where work has gone on for some milliseconds, and not before', async () => {
  let at = 0
  const giveWay = createGiveWay(() => at)
  const others = turns()
  for (let piece = 0; piece < 1000; piece++) await giveWay()
  expect(others()).toBe(0)
  at += 10
  await giveWay()
  const had = others()
  expect(had).toBeGreaterThan(0)
  for (let piece = 0; piece < 1000; piece++) await giveWay()
  expect(others()).toBe(had)
})

it('ends whoever awaits it with the reason that somebody gave meanwhile', async () => {
  let at = 0
  const giveWay = createGiveWay(() => at)
  const stop = new AbortController()
  await giveWay(stop.signal)
  setImmediate(() => stop.abort(new Error('enough')))
  at += 10
  await expect(giveWay(stop.signal)).rejects.toThrow('enough')
  await expect(giveWay(stop.signal)).rejects.toThrow('enough')
})
