import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEvents } from '../../../src/engines/upstream/event-stream.ts'
import { codeOf } from '../host/fake-model.ts'

async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (const size of sizes) if (at < bytes.length) yield bytes.subarray(at, (at += size))
  if (at < bytes.length) yield bytes.subarray(at)
}

async function read(
  text: string | Uint8Array,
  sizes: readonly number[] = [],
  maxEvents?: number,
): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const value of parseEvents(
    pieces(typeof text === 'string' ? Buffer.from(text) : text, sizes),
    maxEvents,
  ))
    found.push(value)
  return found
}

describe('events of a model server', () => {
  it('reads data lines, skips the rest, and ends at [DONE]', async () => {
    const text =
      ': ping\n\nevent: x\nid: 1\ndata: {"a":1}\n\ndata:{"a":\ndata: 2}\r\n\r\n\n\ndata: [DONE]\n\ndata: {"a":3}\n\n'
    expect(await read(text)).toEqual([{ a: 1 }, { a: 2 }])
    expect(await read('data: 7\n\n')).toEqual([7])
    expect(await read('')).toEqual([])
  })

  it('reads the same however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 }),
        fc.constantFrom('\n', '\r\n'),
        async (values, sizes, newline) => {
          const text = values.map((value) => `data: ${JSON.stringify(value)}${newline}${newline}`).join('')
          expect(await read(text, sizes)).toEqual(JSON.parse(JSON.stringify(values)))
        },
      ),
      { numRuns: 60 },
    )
  })

  it.each<[string, string | Uint8Array, string]>([
    ['what is no JSON', 'data: {"a":\n\n', 'ENGINE_PROTOCOL'],
    ['an end inside an event', 'data: 1\n\ndata: 2\n', 'ENGINE_PROTOCOL'],
    ['an end inside a line', 'data: 1', 'ENGINE_PROTOCOL'],
    ['what is no UTF-8', Buffer.from([0x64, 0xff, 0xfe, 0x0a]), 'ENGINE_PROTOCOL'],
    ['an endless line', 'x'.repeat(1024 * 1024 + 1), 'ENGINE_ANSWER_TOO_LARGE'],
    ['an event of many lines', `data: ${'x'.repeat(1000)}\n`.repeat(1100), 'ENGINE_ANSWER_TOO_LARGE'],
    ['too many events', 'data: 1\n\n'.repeat(101), 'ENGINE_ANSWER_TOO_LARGE'],
    ['too many comments', ':\n'.repeat(301), 'ENGINE_ANSWER_TOO_LARGE'],
  ])('refuses %s', async (_, text, code) => {
    expect(
      await codeOf(
        read(
          text,
          Array.from({ length: 20 }, () => 500_000),
          text.length < 5000 ? 100 : undefined,
        ),
      ),
    ).toBe(code)
  })

  it('takes no longer for single bytes than for whole pieces', async () => {
    const text = `data: "${'x'.repeat(50_000)}"\n\n`
    expect(
      await read(
        text,
        Array.from({ length: text.length }, () => 1),
      ),
    ).toHaveLength(1)
  })
})
