import { describe, expect, it } from 'vitest'
import { createBodyBudget } from '../../../src/api/kserve/body-budget.ts'
import { MAX_BINARY_BYTES, MAX_HELD_BYTES } from '../../../src/api/kserve/limits.ts'
import { apiOf, binaryInput, echoModel, errorOf, inferBinary, inferJson } from './support.ts'

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

  it('runs out for those who only announce tensors, and is there again when they leave', async () => {
    const model = echoModel()
    const port = model.tensors!.inputs.filter(({ name }) => name === 'UINT8')
    const echo = apiOf({ ...model, tensors: { inputs: port, outputs: port } })
    const open: ReadableStreamDefaultController<Uint8Array>[] = []
    const announce = (): Promise<Response> => {
      const input = {
        name: 'UINT8',
        datatype: 'UINT8',
        shape: [MAX_BINARY_BYTES],
        parameters: { binary_data_size: MAX_BINARY_BYTES },
      }
      const head = Buffer.from(JSON.stringify({ inputs: [input] }))
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(head)
          open.push(controller)
        },
      })
      return echo(
        new Request('https://inference.sotto/v2/models/owner/echo/infer', {
          method: 'POST',
          headers: { 'inference-header-content-length': String(head.length) },
          body,
          duplex: 'half',
        } as RequestInit),
      )
    }
    const count = Math.floor(MAX_HELD_BYTES / MAX_BINARY_BYTES)
    const waiting = Array.from({ length: count - 1 }, announce)
    await new Promise((resolve) => setImmediate(resolve))
    const [, last] = [
      await Promise.race([announce(), new Promise((resolve) => setTimeout(resolve, 50))]),
      announce(),
    ]
    expect(await errorOf(await last)).toMatchObject({ status: 503, code: 'api_busy' })
    for (const controller of open) controller.error(new Error('gone'))
    await Promise.all(waiting)
    const data = new Uint8Array(3)
    const small = inferBinary('owner/echo', { inputs: [binaryInput('UINT8', 'UINT8', [3], data)] }, [data])
    expect((await echo(small)).status).toBe(200)
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
