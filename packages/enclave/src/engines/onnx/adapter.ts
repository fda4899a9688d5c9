import { SottoError } from '@sotto/protocol/errors'
import { encodeOnnx, parseOnnx } from '@sotto/protocol/onnx'
import { parseGraphAdapter, withAdapter } from '@sotto/protocol/train-graph'
import { engineError } from '../errors.ts'
import type { EngineModel } from '../types.ts'

/** The adapter of a model of one graph; undefined where it has none. @throws `ENGINE_MODEL_INVALID` for more than one */
export function adapterBytes({ files }: Pick<EngineModel, 'files'>): Uint8Array | undefined {
  const adapters = [...files.values()].filter(({ role }) => role === 'adapter')
  if (adapters.length > 1) throw engineError('ENGINE_MODEL_INVALID', 'model has more than one adapter')
  return adapters[0]?.bytes()
}

/**
 * A graph with the branches of an adapter in it, and its external data as well: at most 2 GiB together. Whoever made either
 * controls it.
 *
 * @param external external data by the name the graph uses
 * @throws `ENGINE_MODEL_INVALID`
 */
export function adaptedGraph(
  graph: Uint8Array,
  external: ReadonlyMap<string, Uint8Array>,
  adapter: Uint8Array,
): Uint8Array {
  try {
    return encodeOnnx(withAdapter(parseOnnx(graph, external), parseGraphAdapter(adapter)))
  } catch (cause) {
    if (!(cause instanceof SottoError)) throw cause
    throw engineError('ENGINE_MODEL_INVALID', 'the adapter is none of this graph', {
      cause,
      found: cause.message,
    })
  }
}
