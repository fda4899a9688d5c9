import type { ElementType, OnnxTensor } from '../../onnx/index.ts'
import type { Attributed } from '../attributes.ts'
import { graphError } from '../errors.ts'
import type { Value } from '../ir.ts'

/** What a node gives: one entry for each output. */
export interface Shape {
  readonly type: ElementType
  readonly dims: readonly number[]
}

/** A node whose outputs are not known yet. */
export interface Asked extends Attributed {
  readonly op: string
  readonly inputs: readonly (Value | undefined)[]
  /** How many outputs are wanted; Split alone asks. */
  readonly count: number
  /** Content of an input that is known while the graph is built. */
  constant(value: Value): OnnxTensor | undefined
  /** Integers of such an input; undefined where it is left out. @throws `GRAPH_SHAPE` where it is not known */
  integers(index: number): readonly number[] | undefined
}

/** The shapes that an operator gives. @throws `GRAPH_SHAPE` */
export type ShapeRule = (node: Asked) => readonly Shape[]

/** An input that must be there. */
export function need(node: Asked, index: number): Value {
  const value = node.inputs[index]
  if (value === undefined) throw shapeError(node, `input ${index} is missing`)
  return value
}

/** A refusal of shapes, with the shapes that were found. */
export function shapeError(node: Asked, message: string): Error {
  const dims = node.inputs.map((value) => `[${value?.dims.join(',') ?? ''}]`).join(' ')
  return graphError('GRAPH_SHAPE', message, `${node.where} of ${dims}`)
}

/** Dimensions of which each is the larger of two, one of which is 1 where they differ (multidirectional broadcasting). */
export function broadcast(a: readonly number[], b: readonly number[], node: Asked): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1]
    if (x !== y && x !== 1 && y !== 1) throw shapeError(node, 'shapes do not fit each other')
    return x === 1 ? y : x
  })
}
