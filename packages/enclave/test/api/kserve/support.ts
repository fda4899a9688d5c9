import { DATATYPES, type Datatype } from '@sotto/protocol/tensors'
import { createApi, type ServedModel } from '../../../src/api/index.ts'
import type { InferRequest, Tensor, TensorInfo } from '../../../src/engines/types.ts'
import { createWaitingRoom } from '../../../src/ram/waiting-room.ts'

export const DIGEST = 'd'.repeat(64)

/** A model with one input and one output of each datatype, of any length: what goes in as `FP32` comes out as `FP32`. */
export function echoModel(asked: InferRequest[] = [], over: Partial<ServedModel> = {}): ServedModel {
  const ports = DATATYPES.map((name): TensorInfo => ({ name, datatype: name, shape: [-1] }))
  return {
    id: 'owner/echo',
    task: 'tensors',
    digest: DIGEST,
    loadedAt: 0,
    tensors: { inputs: ports, outputs: ports },
    infer: async (request) => {
      asked.push(request)
      return request.outputs!.map((name) => request.inputs.find((input) => input.name === name)!)
    },
    ...over,
  }
}

/** The same with two inputs of fixed and free shape, which it adds up in words. */
export function pairModel(): ServedModel {
  return {
    id: 'pair',
    task: 'tensors',
    digest: 'e'.repeat(64),
    loadedAt: 0,
    tensors: {
      inputs: [
        { name: 'a', datatype: 'FP32', shape: [2, -1] },
        { name: 'b', datatype: 'INT64', shape: [] },
      ],
      outputs: [
        { name: 'sum', datatype: 'FP32', shape: [2, -1] },
        { name: 'word', datatype: 'BYTES', shape: [1] },
      ],
    },
    infer: async ({ inputs, outputs }) => {
      const a = inputs.find(({ name }) => name === 'a')!
      const b = Number(new BigInt64Array(inputs.find(({ name }) => name === 'b')!.data.slice().buffer)[0])
      const sum = Float32Array.from(new Float32Array(a.data.slice().buffer), (value) => value + b)
      const all: Tensor[] = [
        { ...a, name: 'sum', data: new Uint8Array(sum.buffer) },
        { name: 'word', datatype: 'BYTES', shape: [1], data: Uint8Array.of(2, 0, 0, 0, 0x6f, 0x6b) },
      ]
      return outputs!.map((name) => all.find((output) => output.name === name)!)
    },
  }
}

export type Api = (request: Request) => Promise<Response>

/** The inner API over these models. */
export function apiOf(...models: ServedModel[]): Api {
  return createApi({
    models: { list: () => models, aliases: { other: models[0]!.id } },
    clock: { now: () => 0, randomBytes: (length) => new Uint8Array(length) },
    maxUploadBytes: 1024,
    waitingRoom: createWaitingRoom({ maxFiles: 1, maxBytes: 1024 }),
  })
}

/** An inference request as JSON text. */
export function inferJson(id: string, json: string | object): Request {
  return new Request(`https://inference.sotto/v2/models/${id}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof json === 'string' ? json : JSON.stringify(json),
  })
}

/** An inference request with binary data after the JSON. */
export function inferBinary(id: string, json: object, data: readonly Uint8Array[], length?: string): Request {
  const head = Buffer.from(JSON.stringify(json))
  return new Request(`https://inference.sotto/v2/models/${id}/infer`, {
    method: 'POST',
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': length ?? String(head.length),
    },
    body: Buffer.concat([head, ...data]),
  })
}

/** An input whose data follows. */
export function binaryInput(name: string, datatype: Datatype, shape: number[], data: Uint8Array): object {
  return { name, datatype, shape, parameters: { binary_data_size: data.length } }
}

export function get(path: string): Request {
  return new Request(`https://inference.sotto${path}`)
}

/** An answer's outputs by name, with raw data whichever way they came. Numbers of JSON stay as JSON.parse has them. */
export async function outputsOf(
  response: Response,
): Promise<Record<string, { datatype: Datatype; shape: number[]; data?: unknown[]; bytes?: Buffer }>> {
  const body = Buffer.from(await response.arrayBuffer())
  const length = response.headers.get('inference-header-content-length')
  const head = JSON.parse(body.subarray(0, length === null ? body.length : Number(length)).toString()) as {
    error?: string
    outputs: {
      name: string
      datatype: Datatype
      shape: number[]
      data?: unknown[]
      parameters?: { binary_data_size: number }
    }[]
  }
  if (response.status !== 200) throw new Error(`${response.status}: ${head.error}`)
  let at = Number(length)
  const outputs = Object.fromEntries(
    head.outputs.map(({ name, parameters, ...rest }) => {
      const size = parameters?.binary_data_size
      if (size === undefined) return [name, rest]
      at += size
      return [name, { ...rest, bytes: body.subarray(at - size, at) }]
    }),
  )
  if (length !== null && at !== body.length) throw new Error('binary data left over')
  return outputs
}

/** The error of an answer. */
export async function errorOf(response: Response): Promise<{ status: number; error: string; code: string }> {
  const { error, code } = (await response.json()) as { error: string; code: string }
  return { status: response.status, error, code }
}
