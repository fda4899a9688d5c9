import { engineError } from '../errors.ts'

/** How token vectors become one vector. */
export type Pooling = 'mean' | 'cls'

/**
 * The pooling a model asks for in `pooling.json` (the `1_Pooling/config.json` of sentence-transformers, renamed
 * because the files of a model have plain names); mean where there is none. Its owner controls it.
 *
 * @throws `ENGINE_MODEL_INVALID` for other kinds of pooling
 */
export function parsePooling(config: Readonly<Record<string, unknown>>): Pooling {
  const on = Object.entries(config).filter(
    ([name, value]) => name.startsWith('pooling_mode_') && value === true,
  )
  if (on.length === 0) return 'mean'
  const [name] = on[0]!
  if (on.length === 1 && name === 'pooling_mode_mean_tokens') return 'mean'
  if (on.length === 1 && name === 'pooling_mode_cls_token') return 'cls'
  throw engineError('ENGINE_MODEL_INVALID', 'model pools its tokens in a way this engine does not know', {
    expected: 'pooling_mode_mean_tokens or pooling_mode_cls_token',
    found: on.map(([found]) => found).join(', '),
  })
}

/** One vector of token vectors `[tokens, width]`. */
export function pool(values: Float32Array, tokens: number, width: number, pooling: Pooling): Float32Array {
  if (pooling === 'cls') return values.slice(0, width)
  const sum = new Float64Array(width)
  for (let t = 0; t < tokens; t++) for (let i = 0; i < width; i++) sum[i]! += values[t * width + i]!
  return Float32Array.from(sum, (value) => value / tokens)
}

/** Scaled to length 1; a vector of zeros stays as it is. */
export function normalize(vector: Float32Array): Float32Array {
  let square = 0
  for (const value of vector) square += value * value
  const length = Math.sqrt(square) || 1
  return vector.map((value) => value / length)
}
