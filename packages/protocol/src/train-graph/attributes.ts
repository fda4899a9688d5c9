import type { AttributeValue } from '../onnx/index.ts'
import { graphError } from './errors.ts'

/** Something with attributes, and words for where it is. */
export interface Attributed {
  readonly attributes: ReadonlyMap<string, AttributeValue>
  readonly where: string
}

/** An attribute that is one integer. Default where it is absent. @throws `GRAPH_SHAPE` for another type or beyond 2^53 */
export function intOf(node: Attributed, name: string, fallback: number): number {
  const value = node.attributes.get(name)
  if (value === undefined) return fallback
  if (!('int' in value)) throw unsuited(node, name)
  return safe(value.int, node, name)
}

/** An attribute that is a list of integers. */
export function intsOf(node: Attributed, name: string): readonly number[] | undefined {
  const value = node.attributes.get(name)
  if (value === undefined) return undefined
  if (!('ints' in value)) throw unsuited(node, name)
  return value.ints.map((one) => safe(one, node, name))
}

/** An attribute that is a real number. */
export function floatOf(node: Attributed, name: string, fallback: number): number {
  const value = node.attributes.get(name)
  if (value === undefined) return fallback
  if (!('float' in value)) throw unsuited(node, name)
  return value.float
}

/** An attribute that is a word. */
export function wordOf(node: Attributed, name: string, fallback: string): string {
  const value = node.attributes.get(name)
  if (value === undefined) return fallback
  if (!('string' in value)) throw unsuited(node, name)
  return value.string
}

/** Attributes as they are written in code: whole numbers, lists of them, words, `{ float }`. */
export type AttributeRecord = Readonly<
  Record<string, number | readonly number[] | string | { float: number }>
>

/** The attributes of a node from a record. */
export function attributesOf(record: AttributeRecord): ReadonlyMap<string, AttributeValue> {
  const entries = Object.entries(record).map(([name, value]): [string, AttributeValue] => {
    if (typeof value === 'number') return [name, { int: BigInt(value) }]
    if (typeof value === 'string') return [name, { string: value }]
    return [name, 'float' in value ? value : { ints: value.map(BigInt) }]
  })
  return new Map(entries)
}

/** An axis from 0 on; ONNX counts negative ones from the end. @throws `GRAPH_SHAPE` outside of the rank */
export function axisOf(axis: number, rank: number, where: string): number {
  const found = axis < 0 ? axis + rank : axis
  if (found < 0 || found >= rank)
    throw graphError('GRAPH_SHAPE', `axis ${axis} is outside of ${rank} dimensions`, where)
  return found
}

function safe(value: bigint, node: Attributed, name: string): number {
  if (value < -(2n ** 53n) || value > 2n ** 53n) throw unsuited(node, name)
  return Number(value)
}

function unsuited(node: Attributed, name: string): Error {
  return graphError('GRAPH_SHAPE', `attribute ${name} has a type or size that does not fit`, node.where)
}
