import { describe, expect, it } from 'vitest'
import { readServerSentEvents } from '../../src/sse/index.ts'

async function read(text: string, size: number): Promise<string[]> {
  const bytes = new TextEncoder().encode(text)
  let at = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.subarray(at, (at += size)))
    },
  })
  return Array.fromAsync(readServerSentEvents(body))
}

describe('readServerSentEvents', () => {
  it.each([1, 2, 3, 7, 1000])('reads events in chunks of %i bytes, whatever the line ends', async (size) => {
    const text =
      ': keep-alive\n\ndata: {"a":"ü"}\n\nevent: x\r\ndata: one\r\ndata: two\r\n\r\ndata:three\r\rdata: [DONE]\n\n'
    expect(await read(text, size)).toEqual(['{"a":"ü"}', 'one\ntwo', 'three', '[DONE]'])
  })

  it('does not yield an event that was not ended', async () => {
    expect(await read('data: a\n\ndata: b\n', 5)).toEqual(['a'])
  })

  it('refuses an event of endless lines', async () => {
    await expect(read('data: twenty characters\n'.repeat(60_000), 65_536)).rejects.toMatchObject({
      code: 'RESPONSE_INVALID',
    })
    await expect(read('data\n'.repeat(300_000), 65_536)).rejects.toMatchObject({ code: 'RESPONSE_INVALID' })
  })

  it('refuses an endless event', async () => {
    await expect(read(`data: ${'x'.repeat(3_000_000)}`, 65_536)).rejects.toMatchObject({
      code: 'RESPONSE_INVALID',
    })
  })

  it('refuses bytes that are not UTF-8', async () => {
    const body = new Blob([new Uint8Array([0x64, 0xff])]).stream()
    await expect(Array.fromAsync(readServerSentEvents(body))).rejects.toThrow(TypeError)
  })
})
