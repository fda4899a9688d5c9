import { countOf } from '@sotto/protocol/onnx'
import { backward } from '../../src/train-graph/backward.ts'
import { GraphBuilder } from '../../src/train-graph/builder.ts'
import { emitModel } from '../../src/train-graph/emit.ts'
import type { Value } from '../../src/train-graph/ir.ts'
import { errorOf, type Graph, openGraph, spread } from './run-graph.ts'

/** An operator to check. */
export interface Case {
  readonly name: string
  /** Dimensions of the inputs that gradients are wanted of. */
  readonly inputs: readonly (readonly number[])[]
  /** Made from their values: positive, or smaller. */
  readonly adjust?: (value: number) => number
  build(b: GraphBuilder, ...inputs: Value[]): Value
}

/** What {@link check} found. */
export interface Found {
  readonly type: 'float32' | 'float64'
  /** The largest error of any input's gradient, relative to that gradient's largest entry. */
  readonly error: number
}

/** Steps of a difference of fourth order: small enough for curvature, large enough for the precision. */
const STEP = { float64: 1e-3, float32: 0.03 }

/** Compares the gradient graph of an operator with differences of its forward graph, both through the runtime. */
export async function check(one: Case): Promise<Found> {
  // Not every operator of the runtime computes in double precision.
  return (await tryType(one, 'float64')) ?? (await tryType(one, 'float32'))!
}

async function tryType(one: Case, type: 'float32' | 'float64'): Promise<Found | undefined> {
  const b = new GraphBuilder()
  const inputs = one.inputs.map((dims, i) => b.input(`x${i}`, type, dims))
  let graph: Graph
  let weights: number[]
  try {
    const y = one.build(b, ...inputs)
    weights = spread(countOf(y.dims), 7)
    const seed = b.numbers(y.dims, weights, type)
    const gradients = backward(b, { nodes: [...b.nodes], wanted: inputs, seeds: [[y, seed]] })
    const outputs = inputs.map((input, i) => [`g${i}`, gradients.get(input)!] as const)
    graph = await openGraph(emitModel(b, [['y', y], ...outputs]))
  } catch (error) {
    if (type === 'float64') return undefined
    throw error
  }
  const values = one.inputs.map((dims, i) =>
    spread(countOf(dims), i + 1)
      .map((value) => value + i * 0.05)
      .map(one.adjust ?? ((value) => value)),
  )
  const feeds = (): Record<string, number[]> => Object.fromEntries(values.map((value, i) => [`x${i}`, value]))
  let first: Record<string, number[]>
  try {
    first = await graph.run(feeds())
  } catch (error) {
    if (type === 'float64') return undefined
    throw error
  }
  const loss = async (): Promise<number> =>
    (await graph.run(feeds()))['y']!.reduce((sum, value, i) => sum + value * weights[i]!, 0)
  let worst = 0
  for (const [i, value] of values.entries()) {
    const wanted: number[] = []
    for (let k = 0; k < value.length; k++) {
      const [before, h] = [value[k]!, STEP[type]]
      const at = async (step: number): Promise<number> => {
        value[k] = before + step * h
        return loss()
      }
      wanted.push((8 * ((await at(1)) - (await at(-1))) - ((await at(2)) - (await at(-2)))) / (12 * h))
      value[k] = before
    }
    worst = Math.max(worst, errorOf(first[`g${i}`]!, wanted))
  }
  await graph.close()
  return { type, error: worst }
}
