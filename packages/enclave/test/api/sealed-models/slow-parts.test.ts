import { utf8 } from '@sotto/protocol/bytes'
import { PART_PACE } from '@sotto/serve/limits'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { between, UPLOAD } from './between.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** A byte, and then nothing any more. */
function stalled(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(utf8('x')) })
}

test('parts of known uploads that nobody goes on sending lose their places to others', async () => {
  const { call, asked } = between()
  const patched = (): number => asked.filter(({ to }) => to.startsWith('PATCH')).length
  const part = (body: ReadableStream | Uint8Array) => call('PATCH', `/uploads/${UPLOAD}`, body)
  const slow = Array.from({ length: 4 }, () => part(stalled()))
  const others = Array.from({ length: 4 }, () => part(utf8('bytes')))
  await vi.advanceTimersByTimeAsync(PART_PACE.graceMs - 1000)
  expect([asked.length, patched()]).toEqual([8, 0])
  await vi.advanceTimersByTimeAsync(2000)
  expect((await Promise.all(slow)).map(({ error }) => error?.code)).toEqual(Array(4).fill('HTTP_BODY_CUT'))
  expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
  // Nothing of a part that was cut goes on.
  expect(asked.filter(({ to }) => to.startsWith('PATCH')).map(({ body }) => body)).toEqual(
    Array(4).fill('bytes'),
  )
})
