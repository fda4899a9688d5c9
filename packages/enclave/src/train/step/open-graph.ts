import { Tensor } from 'onnxruntime-node'
import { openSession, type Session, type Values } from '../../engines/onnx/index.ts'
import { roomTrainError } from '../errors.ts'
import { type Parameter, parameterInput } from './graph.ts'

/** Opens a graph that its owner controls, and checks that it has these inputs and outputs. @throws `ROOM_TRAIN_GRAPH` */
export async function openGraph(
  graph: { readonly model: Uint8Array },
  ports: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
  threads: number,
): Promise<Session> {
  let session: Session
  try {
    session = await openSession(graph.model, { threads })
  } catch (cause) {
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the runtime does not take the graph', { cause })
  }
  const lacks = (name: string, having: readonly { name: string }[]): boolean =>
    !having.some((port) => port.name === name)
  const missing =
    ports.inputs.find((name) => lacks(name, session.inputs)) ??
    ports.outputs.find((name) => lacks(name, session.outputs))
  if (missing === undefined && session.inputs.length === ports.inputs.length) return session
  await session.close()
  throw roomTrainError('ROOM_TRAIN_GRAPH', 'the graph has other inputs or outputs than a step', {
    expected: missing ?? 'no other inputs',
  })
}

/** Runs a graph. @throws `ROOM_TRAIN_GRAPH`, without the runtime's words, which may quote what it was given */
export async function runGraph(session: Session, feeds: Values, fetches: readonly string[]): Promise<Values> {
  try {
    return await session.run(feeds, fetches)
  } catch (cause) {
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the graph does not take these features', { cause })
  }
}

/** Feeds of the parameters: views, so that moved weights need no new ones. */
export function parameterFeeds(
  parameters: readonly Parameter[],
  values: readonly Float32Array[],
): Record<string, Tensor> {
  return Object.fromEntries(
    parameters.map(({ dims }, at) => [parameterInput(at), new Tensor('float32', values[at]!, dims)]),
  )
}

/** What a run gave under a name. @throws `ROOM_TRAIN_GRAPH` */
export function floatsOf(values: Values, name: string, length: number): Float32Array {
  const data = values[name]?.data
  if (data instanceof Float32Array && data.length === length) return data
  throw roomTrainError('ROOM_TRAIN_GRAPH', 'the graph gives gradients of other shapes than its parameters')
}
