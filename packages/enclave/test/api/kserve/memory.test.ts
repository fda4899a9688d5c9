import { describe, expect, it } from 'vitest'
import { createBodyBudget } from '../../../src/api/kserve/body-budget.ts'
import { BodyReader } from '../../../src/api/kserve/body-reader.ts'
import { MAX_BINARY_BYTES, MAX_HELD_BYTES } from '../../../src/api/kserve/limits.ts'
import { apiOf, binaryInput, echoModel, errorOf, inferBinary, inferJson } from './support.ts'

const MEBIBYTE = new Uint8Array(2 ** 20)
/** Pieces of the largest request. */
const WHOLE = MAX_BINARY_BYTES / 2 ** 20

describe('memory for tensors', () => {
  it('is shared, given back, and refused beyond its bound', () => {
    const budget = createBodyBudget(10)
    const giveBack = budget.take(8)
    expect(() => budget.take(3)).toThrow(expect.objectContaining({ code: 'API_BUSY' }))
    giveBack()
    giveBack()
    budget.take(10)
    expect(() => budget.take(1)).toThrow(expect.objectContaining({ code: 'API_BUSY' }))
  })

  /** A model of one input of bytes, and requests that announce the most of them and send as many as they are told to. */
  function uploads() {
    const model = echoModel()
    const port = model.tensors!.inputs.filter(({ name }) => name === 'UINT8')
    const echo = apiOf({ ...model, tensors: { inputs: port, outputs: port } })
    const announced = {
      name: 'UINT8',
      datatype: 'UINT8',
      shape: [MAX_BINARY_BYTES],
      parameters: { binary_data_size: MAX_BINARY_BYTES },
    }
    const head = Buffer.from(JSON.stringify({ inputs: [announced] }))
    const open: ReadableStreamDefaultController<Uint8Array>[] = []
    let idle = 0
    const begin = (pieces: number): Promise<Response> => {
      let sent = -1
      const body = new ReadableStream<Uint8Array>(
        {
          start: (controller) => void open.push(controller),
          async pull(controller) {
            if (sent === WHOLE) return controller.close()
            if (sent < pieces) controller.enqueue(sent < 0 ? head : MEBIBYTE)
            else await (idle++, new Promise<never>(() => undefined))
            sent++
          },
        },
        { highWaterMark: 0 },
      )
      return echo(
        new Request('https://inference.sotto/v2/models/owner/echo/infer', {
          method: 'POST',
          headers: { 'inference-header-content-length': String(head.length) },
          body,
          duplex: 'half',
        } as RequestInit),
      )
    }
    const small = (): Promise<Response> => {
      const data = new Uint8Array(3)
      return echo(inferBinary('owner/echo', { inputs: [binaryInput('UINT8', 'UINT8', [3], data)] }, [data]))
    }
    const leave = (): void => open.splice(0).forEach((controller) => controller.error(new Error('gone')))
    /** So many uploads have been read to their last piece, and are asked for more. */
    const areIdle = (count: number): Promise<void> => expect.poll(() => idle, { timeout: 20_000 }).toBe(count)
    return { begin, small, leave, areIdle }
  }

  it('is not taken by those who only announce tensors, however many', async () => {
    const { begin, small, leave, areIdle } = uploads()
    const waiting = Array.from({ length: 200 }, () => begin(0))
    await areIdle(200)
    expect((await small()).status).toBe(200)
    leave()
    await Promise.all(waiting)
  })

  it('runs out for those who send them, and is there again when they leave', async () => {
    const { begin, small, leave, areIdle } = uploads()
    const count = Math.floor(MAX_HELD_BYTES / MAX_BINARY_BYTES)
    const waiting = Array.from({ length: count - 1 }, () => begin(WHOLE - 1))
    await areIdle(count - 1)
    // The last of them is refused before there is an array for what it sends.
    expect(await errorOf(await begin(WHOLE - 1))).toMatchObject({ status: 503, code: 'api_busy' })
    expect((await small()).status).toBe(200)
    leave()
    await Promise.all(waiting)
    const again = begin(WHOLE)
    expect((await again).status).toBe(200)
  })

  it.each([1, 7, 4096])('is not kept for the pieces JSON comes in, of %i bytes each', async (size) => {
    const length = 200_000
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = new Uint8Array(Math.min(size, length - sent)).fill(sent & 0xff)
        if (piece.length === 0) return controller.close()
        controller.enqueue(piece)
        sent += piece.length
      },
    })
    const holds: number[] = []
    const read = await new BodyReader(body).rest(length, (bytes) => void holds.push(bytes))
    expect(read.every((byte, at) => byte === ((at - (at % size)) & 0xff))).toBe(true)
    // Doubled twice, and never beyond the bound.
    expect([read.length, read.buffer.byteLength, holds]).toEqual([length, length, [65_536, 65_536, 68_928]])
  })

  it('is given back by an answer that is dropped before it is read', async () => {
    const port = { name: 'y', datatype: 'UINT8', shape: [-1] } as const
    const big = { ...port, shape: [MAX_HELD_BYTES], data: new Uint8Array(MAX_HELD_BYTES) }
    const api = apiOf({ ...echoModel(), tensors: { inputs: [], outputs: [port] }, infer: async () => [big] })
    const leaving = new AbortController()
    const asking = inferJson('owner/echo', { inputs: [], parameters: { binary_data_output: true } })
    const ask = (): Promise<Response> => api(new Request(asking.clone(), { signal: leaving.signal }))
    expect((await ask()).status).toBe(200)
    expect((await ask()).status).toBe(503)
    leaving.abort()
    expect((await api(asking)).status).toBe(200)
  })

  it('is held by answers until they are read, or given up', async () => {
    const bytes = Math.ceil(MAX_HELD_BYTES / 4)
    const port = { name: 'y', datatype: 'UINT8', shape: [-1] } as const
    const big = { ...port, shape: [bytes], data: new Uint8Array(bytes) }
    const model = { ...echoModel(), tensors: { inputs: [], outputs: [port] }, infer: async () => [big] }
    const api = apiOf(model)
    const ask = (): Promise<Response> =>
      api(inferJson('owner/echo', { inputs: [], parameters: { binary_data_output: true } }))
    const unread = [await ask(), await ask(), await ask(), await ask()]
    expect(unread.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(await errorOf(await ask())).toMatchObject({ status: 503, code: 'api_busy' })
    await unread[0]!.body!.cancel()
    let length = 0
    for await (const part of (await ask()).body!) length += part.length
    expect(length).toBeGreaterThan(bytes)
    expect((await ask()).status).toBe(200)
  })
})
