import { countOf, encodeOnnx, type OnnxModel } from '@sotto/protocol/onnx'
import { InferenceSession, Tensor } from 'onnxruntime-node'

/** Numbers for one input. */
export type Numbers = ArrayLike<number>

/** A graph in the runtime, on one thread. */
export interface Graph {
  /** Inputs by name; answers outputs by name. */
  run(feeds: Readonly<Record<string, Numbers>>): Promise<Record<string, number[]>>
  close(): Promise<void>
}

/** Loads a model whose shapes are all known. */
export async function openGraph(model: OnnxModel, threads: number = 1): Promise<Graph> {
  const session = await InferenceSession.create(encodeOnnx(model), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  })
  return {
    async run(feeds) {
      const tensors = model.inputs.map(({ name, type, dims }): [string, Tensor] => {
        const values = feeds[name]
        const shape = dims as number[]
        if (values?.length !== countOf(shape))
          throw new Error(`input ${name} has ${values?.length} for ${shape.join()}`)
        if (type === 'int64') return [name, new Tensor(BigInt64Array.from(Array.from(values, BigInt)), shape)]
        if (type === 'float64') return [name, new Tensor(Float64Array.from(values), shape)]
        if (type === 'bool') return [name, new Tensor('bool', Uint8Array.from(values), shape)]
        return [name, new Tensor(Float32Array.from(values), shape)]
      })
      const results = await session.run(Object.fromEntries(tensors))
      return Object.fromEntries(
        Object.entries(results).map(([name, { data }]) => [
          name,
          Array.from(data as Iterable<number | bigint>, Number),
        ]),
      )
    },
    close: () => session.release(),
  }
}

/** Numbers that are far enough from each other and from 0 that a small step crosses no kink. */
export function spread(count: number, seed: number = 1): number[] {
  const step = 0.17
  const order = Array.from({ length: count }, (_, i) => i)
  let state = seed
  for (let i = count - 1; i > 0; i--) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    const k = state % (i + 1)
    ;[order[i], order[k]] = [order[k]!, order[i]!]
  }
  return order.map((place) => (place - Math.floor(count / 2)) * step + step / 2)
}

/** Largest difference, relative to the largest number. */
export function errorOf(found: Numbers, wanted: Numbers): number {
  if (found.length !== wanted.length) return Infinity
  let [difference, size] = [0, 0]
  for (let i = 0; i < wanted.length; i++) {
    const one = Math.abs(found[i]! - wanted[i]!)
    if (Number.isNaN(one)) return Infinity
    difference = Math.max(difference, one)
    size = Math.max(size, Math.abs(wanted[i]!))
  }
  return difference / Math.max(size, 1e-3)
}
