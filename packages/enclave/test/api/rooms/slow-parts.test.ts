import { SEALED_CALL_TYPE } from '@sotto/protocol/sealed-call'
import { PART_PACE } from '@sotto/serve/limits'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BEARER, between, BOARD, DIGEST } from './between.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

/** A byte, and then nothing any more. */
function stalled(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) })
}

const CALL = { 'content-type': SEALED_CALL_TYPE }

test.each([
  ['parts of files', 'PATCH', `/boards/${BOARD}/files/${DIGEST}`, BEARER, 4],
  ['messages', 'POST', `/boards/${BOARD}/messages`, BEARER, 8],
  ['calls to the KMS', 'POST', '/calls', CALL, 16],
  ['calls to the room', 'POST', '/runs', CALL, 16],
])('%s that nobody goes on sending lose their places to others', async (_, method, path, headers, places) => {
  const { call, asked } = between()
  const written = (): string[] =>
    asked.filter(({ to }) => to.startsWith(method)).map(({ body }) => new TextDecoder().decode(body))
  const send = (body: BodyInit): Promise<Response> => call(method, path, body, headers)
  const slow = Array.from({ length: places }, () => send(stalled()))
  const others = Array.from({ length: places }, () => send('bytes'))
  await vi.advanceTimersByTimeAsync(PART_PACE.graceMs - 1000)
  // Of a board it was asked whether they have its token.
  expect([asked.length, written()]).toEqual([headers === BEARER ? 2 * places : 0, []])
  await vi.advanceTimersByTimeAsync(2000)
  const codes = (await Promise.all(slow)).map(async (response) => {
    const { error } = (await response.json()) as { error: { code: string } }
    return error.code
  })
  expect(await Promise.all(codes)).toEqual(Array(places).fill('HTTP_BODY_CUT'))
  expect((await Promise.all(others)).map(({ status }) => status)).toEqual(Array(places).fill(200))
  // Nothing of what was cut goes on.
  expect(written()).toEqual(Array(places).fill('bytes'))
})
