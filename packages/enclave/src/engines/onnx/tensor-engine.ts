import { engineError } from '../errors.ts'
import type { Engine, EngineModel, InferRequest, Tensor, TensorInfo } from '../types.ts'
import { adaptedGraph, adapterBytes } from './adapter.ts'
import { externalFiles } from './model-files.ts'
import { openSession, type Port, type Session, type Values } from './session.ts'
import { datatypeOf, fromWire, toWire } from './wire-tensors.ts'

/** Bytes of all outputs at most: a message of 64 MiB, without names and shapes. */
const MAX_ANSWER_BYTES = 63 * 1024 * 1024

/**
 * Makes the engine for any ONNX model addressed by tensor: one graph, the model's only file of role `weights`, and an adapter
 * beside it where the model has one.
 */
export function createTensorEngine(): Engine {
  let session: Session | undefined
  return {
    load: async (model) => {
      const [graph, externalData, adapter] = [graphOf(model), externalFiles(model), adapterBytes(model)]
      const { threads } = model
      session = adapter
        ? await openSession(adaptedGraph(graph, externalData, adapter), { threads })
        : await openSession(graph, { threads, externalData })
      return {
        concurrency: 1,
        operations: ['infer'],
        inputs: session.inputs.map(infoOf),
        outputs: session.outputs.map(infoOf),
      }
    },
    infer: async (request) => {
      if (!session) throw engineError('ENGINE_FAILED', 'no model is loaded')
      return infer(session, request)
    },
    close: async () => session?.close(),
  }
}

/**
 * Runs a graph on named tensors. The client controls the request.
 *
 * @throws `ENGINE_INPUT` for missing, repeated or unknown names and for tensors that do not fit their port
 */
export async function infer(session: Session, request: InferRequest): Promise<Tensor[]> {
  const feeds: Record<string, Values[string]> = Object.create(null)
  for (const tensor of request.inputs) {
    const port = session.inputs.find(({ name }) => name === tensor.name)
    if (!port || port.name in feeds)
      throw engineError('ENGINE_INPUT', 'request names an input twice, or one the model does not have', {
        expected: names(session.inputs),
      })
    feeds[port.name] = fromWire(tensor, port)
  }
  const missing = session.inputs.filter(({ name }) => !(name in feeds))
  if (missing.length > 0)
    throw engineError('ENGINE_INPUT', 'request lacks an input of the model', { expected: names(missing) })
  const wanted = request.outputs ?? session.outputs.map(({ name }) => name)
  if (new Set(wanted).size !== wanted.length || !wanted.every((name) => has(session.outputs, name)))
    throw engineError('ENGINE_INPUT', 'request names an output twice, or one the model does not have', {
      expected: names(session.outputs),
    })
  let results: Values
  try {
    results = await session.run(feeds, wanted)
  } catch (cause) {
    // Free dimensions can disagree with each other in ways only the graph knows.
    throw engineError('ENGINE_INPUT', 'the model cannot compute with these tensors', { cause })
  }
  const answer = wanted.map((name) => toWire(name, results[name]!))
  // Larger than a message may be: said here, or the host would take it for an attack and end the engine.
  const bytes = answer.reduce((sum, { data }) => sum + data.length, 0)
  if (bytes > MAX_ANSWER_BYTES)
    throw engineError('ENGINE_INPUT', 'the answer to these tensors is larger than may be sent', {
      expected: `at most ${MAX_ANSWER_BYTES} bytes`,
      found: `${bytes}`,
    })
  return answer
}

function graphOf(model: EngineModel): Uint8Array {
  const graphs = [...model.files.values()].filter(({ role }) => role === 'weights')
  if (graphs.length !== 1)
    throw engineError('ENGINE_MODEL_INVALID', 'model needs exactly one file of role weights', {
      found: `${graphs.length}`,
    })
  return graphs[0]!.bytes()
}

function infoOf({ name, type, shape }: Port): TensorInfo {
  return { name, datatype: datatypeOf(type), shape }
}

function has(ports: readonly Port[], wanted: string): boolean {
  return ports.some(({ name }) => name === wanted)
}

function names(ports: readonly Port[]): string {
  return ports.map(({ name }) => name).join(', ')
}
