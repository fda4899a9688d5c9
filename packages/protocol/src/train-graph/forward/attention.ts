import { type Rope, rotate } from './rope.ts'
import type { ForwardWriter } from './writer.ts'

/** Sizes of attention. */
export interface Heads {
  readonly sequence: number
  /** Heads of queries: a multiple of those of keys and values, which each serve as many that follow each other. */
  readonly queries: number
  readonly keys: number
  /** Numbers of one head of queries and keys, and of values. */
  readonly keyWidth: number
  readonly valueWidth: number
}

/**
 * Causal attention of rows of queries, keys and values; a position sees itself and those before it. So what an example is
 * filled up with behind its end changes nothing before it.
 *
 * @returns rows of all heads
 */
export function attention(
  w: ForwardWriter,
  rows: { q: string; k: string; v: string },
  { sequence, queries, keys, keyWidth, valueWidth }: Heads,
  { bias, rope }: { bias: string; rope?: Rope },
): string {
  const group = queries / keys
  const turn = (x: string): string => (rope ? rotate(w, x, rope) : x)
  const scaled = w.add('Mul', [rows.q, w.reals([], [1 / Math.sqrt(keyWidth)])])
  const q = w.transpose(w.reshape(scaled, [-1, sequence, keys, group, keyWidth]), [0, 2, 3, 1, 4])
  const k = w.transpose(w.reshape(rows.k, [-1, sequence, keys, keyWidth]), [0, 2, 1, 3])
  const v = w.transpose(w.reshape(rows.v, [-1, sequence, keys, valueWidth]), [0, 2, 1, 3])
  // Heads that share keys are more rows of one product.
  const stacked = w.reshape(turn(q), [0, keys, group * sequence, keyWidth])
  const scores = w.add('MatMul', [stacked, w.transpose(turn(k), [0, 1, 3, 2])])
  const seen = w.add('Add', [w.reshape(scores, [0, keys, group, sequence, sequence]), bias])
  const parts = w.reshape(w.add('Softmax', [seen], { axis: -1 }), [0, keys, group * sequence, sequence])
  const found = w.reshape(w.add('MatMul', [parts, v]), [0, keys, group, sequence, valueWidth])
  return w.reshape(w.transpose(found, [0, 3, 1, 2, 4]), [-1, queries * valueWidth])
}

/** [sequence, sequence]: 0 where a position sees another, and a number past every score where it does not. */
export function causalBias(w: ForwardWriter, sequence: number): string {
  const places = Array.from({ length: sequence }, (_, at) => at)
  const sees = w.add('LessOrEqual', [w.ints([1, sequence], places), w.ints([sequence, 1], places)])
  return w.add('Where', [sees, w.reals([], [0]), w.reals([], [-1e30])])
}
