import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { padEvents, type PadEventsOptions } from '../../src/gateway/pad-events.ts'

const RUNS = process.env['SLOW'] ? 500 : 25
const NO_WAIT: PadEventsOptions = { bucketBytes: 512, windowMs: 0, monotonicNow: () => performance.now() }

function source(...writes: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(c) {
      for (const write of writes) c.enqueue(utf8(write))
      c.close()
    },
  })
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const blocks: Uint8Array[] = []
  for await (const block of stream) blocks.push(block)
  return blocks
}

/** What a client makes of a stream: lines that are comments are ignored (WHATWG HTML, "server-sent events"). */
function dataOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith(':'))
}

test('every flush is a multiple of the bucket and the events are unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ maxLength: 1500 }), { maxLength: 12 }), async (texts) => {
      const events = texts.map((text) => `data: ${JSON.stringify(text)}\n\n`)
      const blocks = await collect(padEvents(source(...events), NO_WAIT))
      expect(
        blocks.every((block) => block.length % 512 === 0 && block.length > 0 && block.length <= 15_872),
      ).toBe(true)
      expect(dataOf(fromUtf8(concat(...blocks)))).toEqual(dataOf(events.join('')))
    }),
    { numRuns: RUNS },
  )
})

test('short and long tokens make flushes of the same length', async () => {
  const sizes = async (word: string): Promise<number[]> =>
    (await collect(padEvents(source(`data: ${word}\n\n`), NO_WAIT))).map((block) => block.length)
  expect(await sizes('a')).toEqual([512, 512])
  expect(await sizes('antidisestablishmentarianism')).toEqual([512, 512])
})

test('the first flush needs no write: the client learns at once that it is answered', async () => {
  const events = padEvents(new ReadableStream<Uint8Array>(), NO_WAIT)
  expect((await events.next()).value).toHaveLength(512)
  await events.return()
})

test('each event leaves before the next one exists', async () => {
  let write: (text: string) => void = () => {}
  const events = padEvents(
    new ReadableStream({ start: (c) => void (write = (text) => c.enqueue(utf8(text))) }),
    NO_WAIT,
  )
  await events.next()
  for (const word of ['one', 'two']) {
    write(`data: ${word}\n\n`)
    expect(fromUtf8((await events.next()).value!)).toContain(word)
  }
  await events.return()
})

test('the first words leave at once; writes within the window after them leave together, no later than its end', async () => {
  const events = padEvents(source('data: a\n\n', 'data: b\n\n', 'data: c\n\n'), { ...NO_WAIT, windowMs: 30 })
  const before = performance.now()
  const blocks = await collect(events)
  expect(blocks.map((block) => dataOf(fromUtf8(block)))).toEqual([[], ['data: a'], ['data: b', 'data: c']])
  expect(performance.now() - before).toBeLessThan(1000)
})

test('a line is never split by padding', async () => {
  const blocks = await collect(padEvents(source('data: {"a', '":1}\n', '\ndata: 2\n\n'), NO_WAIT))
  expect(dataOf(fromUtf8(concat(...blocks)))).toEqual(['data: {"a":1}', 'data: 2'])
})

test('a body without lines passes through in bounded pieces', async () => {
  const blocks = await collect(padEvents(source('x'.repeat(40_000)), NO_WAIT))
  expect(blocks.slice(1).map((block) => block.length)).toEqual([15_872, 15_872, 40_000 - 2 * 15_872])
})

test('a source that fails fails the stream', async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull(c) {
      c.error(new Error('engine died'))
    },
  })
  await expect(collect(padEvents(broken, NO_WAIT))).rejects.toThrow('engine died')
})

test('what was written before a failure leaves before the cut, whole lines only', async () => {
  const broken = new ReadableStream<Uint8Array>({
    start(c) {
      c.enqueue(utf8('data: 1\n\n'))
      c.enqueue(utf8('data: {"error":{"code":"engine_crashed"}}\n\ndata: {"half'))
      setTimeout(() => c.error(new Error('engine died')), 20)
    },
  })
  const seen: Uint8Array[] = []
  const read = async (): Promise<void> => {
    for await (const block of padEvents(broken, { ...NO_WAIT, windowMs: 10_000 })) seen.push(block)
  }
  await expect(read()).rejects.toThrow('engine died')
  expect(dataOf(fromUtf8(concat(...seen)))).toEqual(['data: 1', 'data: {"error":{"code":"engine_crashed"}}'])
  expect(seen.every((block) => block.length % 512 === 0)).toBe(true)
})

test('a reader that stops cancels the source', async () => {
  let isCancelled = false
  const events = padEvents(new ReadableStream({ cancel: () => void (isCancelled = true) }), NO_WAIT)
  await events.next()
  await events.return()
  expect(isCancelled).toBe(true)
})
