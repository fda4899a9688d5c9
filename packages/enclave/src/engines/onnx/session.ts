import { InferenceSession, type Tensor } from 'onnxruntime-node'
import './half-precision.ts'
import { engineError } from '../errors.ts'
import { externalDataOf } from './external-data.ts'

/** Element types of the runtime. */
export type ElementType = Tensor.Type

/** Tensors by name. */
export type Values = Readonly<Record<string, Tensor>>

/** An input or output of a graph. `-1` stands for a free dimension. */
export interface Port {
  readonly name: string
  readonly type: ElementType
  readonly shape: readonly number[]
}

/**
 * A loaded graph. `run` blocks the event loop of its process while it computes, so one call at a time is all there
 * is; to cancel, the process is killed. The loops on top of it take this interface, so that tests can pass their own.
 */
export interface Session {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Outputs named in `fetches`; default all. */
  run(feeds: Values, fetches?: readonly string[]): Promise<Values>
  close(): Promise<void>
}

/** How {@link openSession} loads. */
export interface SessionOptions {
  /** Compute threads, at least 1. Default 1. */
  readonly threads?: number
  /** External data by the name the graph uses. Default none; a model naming anything else is refused. */
  readonly externalData?: ReadonlyMap<string, Uint8Array>
}

/**
 * Loads a graph from memory only. Logging is off below errors, because warnings print names from the graph.
 *
 * @param model an ONNX model; its owner controls it
 * @throws `ENGINE_MODEL_INVALID` for a model that is malformed, names external data that was not supplied,
 *   or that the runtime does not accept
 */
export async function openSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const supplied = options.externalData ?? new Map<string, Uint8Array>()
  const external = [...externalDataOf(model)]
  if (external.some((name) => !supplied.has(name)))
    throw engineError('ENGINE_MODEL_INVALID', 'model names external data that is not among its files', {
      hint: 'Publish the data file together with the model, under the name the graph uses.',
    })
  const used = external.map((path) => ({ path, data: supplied.get(path)! }))
  let session: InferenceSession
  try {
    session = await InferenceSession.create(model, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: options.threads ?? 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      ...(used.length > 0 && { externalData: used }),
    })
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', 'the ONNX runtime does not accept the model', { cause })
  }
  const { inputMetadata, outputMetadata } = session
  if (![...inputMetadata, ...outputMetadata].every((port) => port.isTensor)) {
    await session.release()
    throw engineError('ENGINE_MODEL_INVALID', 'model has inputs or outputs that are not tensors')
  }
  return {
    inputs: inputMetadata.map(portOf),
    outputs: outputMetadata.map(portOf),
    run: async (feeds, fetches) => {
      const results = await (fetches ? session.run(feeds, fetches) : session.run(feeds))
      return results as Values
    },
    close: () => session.release(),
  }
}

function portOf(port: InferenceSession.ValueMetadata): Port {
  const { name, type, shape } = port as InferenceSession.TensorValueMetadata
  return { name, type, shape: shape.map((size) => (typeof size === 'number' && size >= 0 ? size : -1)) }
}
