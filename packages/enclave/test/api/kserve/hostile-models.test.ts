import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import type { EngineHost, EngineProcess, EngineSpec } from '../../../src/engines/host/index.ts'
import { openRealHost } from '../../engines/real-engines.ts'
import { externalTensor, field, model as floatModel, node } from '../../engines/onnx/build-model.ts'
import { startOnnx } from './engines.ts'
import { attribute, ELEMENT, floats, graph, int64s, onnx, port } from './graphs.ts'
import { type Api, apiOf, errorOf, inferJson, outputsOf } from './support.ts'

/** Less than any of the graphs below asks for, more than Node and the runtime take. */
const MEMORY = 1.5 * 1024 ** 3

/** `x` of one element as often as `shape` says. With `sum`, only the sum of it is answered. */
function expand(sum: boolean): Uint8Array {
  const last = sum
    ? [node('Expand', ['x', 'shape'], ['big']), node('ReduceSum', ['big'], ['y'], attribute('keepdims', 0))]
    : [node('Expand', ['x', 'shape'], ['y'])]
  return onnx({
    inputs: [port('shape', ELEMENT.int64, [2])],
    outputs: [port('y', ELEMENT.float, sum ? [] : [undefined, undefined])],
    initializers: [floats('x', [1, 1], [1])],
    nodes: last,
  })
}

/** A tensor of 160 GB, made of one number, whenever it is loaded or run. */
function bomb(): Uint8Array {
  return onnx({
    inputs: [port('x', ELEMENT.float, [1])],
    outputs: [port('y', ELEMENT.float, [1])],
    initializers: [int64s('shape', [2], [200_000, 200_000])],
    nodes: [
      node('ConstantOfShape', ['shape'], ['big']),
      node('ReduceSum', ['big'], ['sum'], attribute('keepdims', 0)),
      node('Add', ['x', 'sum'], ['y']),
    ],
  })
}

/** Adds one to `x` as often as `times` says. */
function loop(): Uint8Array {
  const body = graph({
    inputs: [port('i', ELEMENT.int64, []), port('go', ELEMENT.bool, []), port('before', ELEMENT.float, [1])],
    outputs: [port('goOn', ELEMENT.bool, []), port('after', ELEMENT.float, [1])],
    nodes: [node('Identity', ['go'], ['goOn']), node('Add', ['before', 'one'], ['after'])],
  })
  return onnx({
    inputs: [port('times', ELEMENT.int64, []), port('x', ELEMENT.float, [1])],
    outputs: [port('y', ELEMENT.float, [1])],
    initializers: [floats('one', [1], [1])],
    nodes: [node('Loop', ['times', '', 'x'], ['y'], attribute('body', body))],
  })
}

const x = (value: number): object => ({ name: 'x', datatype: 'FP32', shape: [1], data: [value] })
const sizes = (...data: number[]): object => ({
  inputs: [{ name: 'shape', datatype: 'INT64', shape: [2], data }],
})
const times = (data: number): object => ({
  inputs: [x(1), { name: 'times', datatype: 'INT64', shape: [], data: [data] }],
})

let host: EngineHost
let neighbour: { api: Api; engine: EngineProcess }
beforeAll(async () => {
  host = await openRealHost()
  const { model, engine } = await startOnnx(host, 'honest', expand(true))
  neighbour = { api: apiOf(model), engine }
})
afterAll(() => host.close())

/** Runs `act` while somebody else uses another model, and expects that nobody notices. */
async function undisturbed<T>(act: () => Promise<T>): Promise<T> {
  const pid = neighbour.engine.pid
  let isOver = false
  const acting = act().finally(() => (isOver = true))
  let answered = 0
  do {
    const outputs = await outputsOf(await neighbour.api(inferJson('honest', sizes(3, answered + 1))))
    expect(outputs['y']!.data).toEqual([3 * ++answered])
    await new Promise((resolve) => setTimeout(resolve, 20))
  } while (!isOver)
  const result = await acting
  expect([neighbour.engine.pid, neighbour.engine.counters.restarts]).toEqual([pid, 0])
  return result
}

async function withModel<T>(
  bytes: Uint8Array,
  over: Partial<EngineSpec>,
  use: (api: Api, engine: EngineProcess) => Promise<T>,
): Promise<T> {
  const { engine, model } = await startOnnx(host, 'hostile', bytes, { memoryBytes: MEMORY, ...over })
  try {
    return await use(apiOf(model), engine)
  } finally {
    await engine.close()
  }
}

const ask = (api: Api, json: object): Promise<Response> => api(inferJson('hostile', json))

describe('a model that must not be loaded', () => {
  it.each<[string, Uint8Array]>([
    ['an operator that nobody has', floatModel(field(1, node('Nope', ['x'], ['y'])))],
    [
      'a file of this machine as its weights',
      floatModel(field(1, node('Add', ['x', 'w'], ['y'])), field(5, externalTensor('w', '/etc/hostname'))),
    ],
    [
      'the memory of this process as its weights',
      floatModel(
        field(1, node('Add', ['x', 'w'], ['y'])),
        field(5, externalTensor('w', '*/_ORT_MEM_ADDR_/*')),
      ),
    ],
    ['no graph at all', Uint8Array.of(8, 8)],
    ['a graph that is cut', loop().subarray(0, -20)],
  ])('%s', async (_, bytes) => {
    await expect(startOnnx(host, 'hostile', bytes)).rejects.toMatchObject({ code: 'ENGINE_MODEL_INVALID' })
  })
})

describe(claim('T19', 'a graph that asks for more than there is'), () => {
  it('as it loads or runs, gets an error, and nobody else notices', async () => {
    const outcome = await undisturbed(() =>
      withModel(bomb(), {}, async (api) => (await errorOf(await ask(api, { inputs: [x(1)] }))).code).catch(
        (error: { code: string }) => error.code,
      ),
    )
    expect(['ENGINE_MODEL_INVALID', 'ENGINE_LOAD_FAILED', 'engine_input', 'engine_crashed']).toContain(
      outcome,
    )
  })

  it('for one input, fails that request and serves the next', async () => {
    await undisturbed(() =>
      withModel(expand(true), {}, async (api, engine) => {
        const { status, code } = await errorOf(await ask(api, sizes(100_000, 100_000)))
        expect([400, 503]).toContain(status)
        expect(['engine_input', 'engine_crashed']).toContain(code)
        expect((await outputsOf(await ask(api, sizes(3, 7))))['y']!.data).toEqual([21])
        const peak =
          Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${engine.pid}/status`, 'latin1'))![1]) * 1024
        expect(peak).toBeLessThan(MEMORY)
      }),
    )
  })

  it('for an answer larger than may be sent, is told so, and its process lives on', async () => {
    await withModel(expand(false), {}, async (api, engine) => {
      const { pid } = engine
      expect(await errorOf(await ask(api, sizes(5000, 5000)))).toMatchObject({
        status: 400,
        error: expect.stringContaining('the answer to these tensors is larger than may be sent'),
      })
      expect((await outputsOf(await ask(api, sizes(1, 2))))['y']).toEqual({
        datatype: 'FP32',
        shape: [1, 2],
        data: [1, 1],
      })
      expect([engine.pid, engine.counters.restarts]).toEqual([pid, 0])
    })
  })

  it('for more time than there is, is ended and started again', async () => {
    await undisturbed(() =>
      withModel(loop(), { idleTimeoutMs: 1500 }, async (api, engine) => {
        expect((await outputsOf(await ask(api, times(3))))['y']!.data).toEqual([4])
        expect(await errorOf(await ask(api, times(2 ** 52)))).toMatchObject({
          status: 504,
          code: 'engine_timeout',
        })
        expect((await outputsOf(await ask(api, times(5))))['y']!.data).toEqual([6])
        expect(engine.counters.restarts).toBe(1)
      }),
    )
  })

  it('is ended when its client leaves', async () => {
    await withModel(loop(), {}, async (api, engine) => {
      const leaving = new AbortController()
      const request = inferJson('hostile', times(2 ** 52))
      const answer = api(new Request(request, { signal: leaving.signal }))
      setTimeout(() => leaving.abort(), 200)
      expect(await errorOf(await answer)).toMatchObject({ status: 499, code: 'engine_cancelled' })
      expect((await outputsOf(await ask(api, times(1))))['y']!.data).toEqual([2])
      expect(engine.counters.restarts).toBe(1)
    })
  })
})
