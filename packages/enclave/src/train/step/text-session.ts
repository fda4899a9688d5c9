import { Tensor } from 'onnxruntime-node'
import type { Values } from '../../engines/onnx/index.ts'
import type { TextPart } from '../data/texts.ts'
import { rowUnits } from '../data/units.ts'
import { roomTrainError } from '../errors.ts'
import type { Stream } from '../random/streams.ts'
import { parameterInput } from './graph.ts'
import { floatsOf, openGraph, parameterFeeds, runGraph } from './open-graph.ts'
import { openSums, type StepSession } from './session.ts'
import type { TextScoreGraph, TextStepGraph } from './text-graph.ts'

/** Made-up windows: a run of a language model takes long, and all rows of a graph go the same way. */
const MADE_UP_ROWS = 2
const [TOKENS, TARGET] = ['x.0', 'target']

/** How well a model tells texts. */
export interface TextLoss {
  /** Mean over all tokens that are told, in nats; its exponential is the perplexity. */
  readonly loss: number
  readonly tokens: number
}

/** Says how well a model tells texts. */
export interface TextScoreSession {
  readonly graph: TextScoreGraph
  /** @throws `ROOM_TRAIN_EMPTY`, `ROOM_TRAIN_NOT_FINITE` */
  loss(values: readonly Float32Array[], parts: readonly TextPart[]): Promise<TextLoss>
  close(): Promise<void>
}

/** Opens a step over windows of texts. @throws `ROOM_TRAIN_GRAPH` */
export function openTextStep(graph: TextStepGraph, threads = 1): Promise<StepSession<TextPart>> {
  const reading = {
    inputs: [TOKENS, TARGET],
    feeds: (part: TextPart, rows: Uint32Array) => windowFeeds(graph, part, rows),
    madeUp: (stream: Stream) => madeUpWindows(graph, stream),
  }
  return openSums(graph, reading, threads)
}

/** @throws `ROOM_TRAIN_GRAPH` */
export async function openTextScore(graph: TextScoreGraph, threads = 1): Promise<TextScoreSession> {
  const { parameters, microBatch, losses } = graph
  const inputs = [...parameters.map((_, at) => parameterInput(at)), TOKENS, TARGET]
  const session = await openGraph(graph, { inputs, outputs: [losses] }, threads)
  return {
    graph,
    loss: async (values, parts) => {
      const fixed = parameterFeeds(parameters, values)
      let [total, tokens] = [0, 0]
      for (const part of parts)
        for (let from = 0; from < part.rows; from += microBatch) {
          const rows = Uint32Array.from(
            { length: Math.min(microBatch, part.rows - from) },
            (_, at) => from + at,
          )
          const feeds = { ...fixed, ...windowFeeds(graph, part, rows) }
          const found = floatsOf(await runGraph(session, feeds, [losses]), losses, microBatch)
          for (const [at, row] of rows.entries()) {
            const told = toldIn(part, row)
            total += found[at]! * told
            tokens += told
          }
        }
      if (tokens === 0) throw roomTrainError('ROOM_TRAIN_EMPTY', 'there is no text to measure with')
      if (!Number.isFinite(total)) throw roomTrainError('ROOM_TRAIN_NOT_FINITE', 'a loss is no number')
      return { loss: total / tokens, tokens }
    },
    close: () => session.close(),
  }
}

/** Windows as the graph reads them. What is not filled has nothing to tell. @throws `ROOM_TRAIN_GRAPH` */
function windowFeeds(
  { microBatch, sequence }: Pick<TextStepGraph, 'microBatch' | 'sequence'>,
  part: TextPart,
  rows: Uint32Array,
): Values {
  if (part.sequence !== sequence)
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the graph reads windows of another length')
  const tokens = new BigInt64Array(microBatch * sequence)
  const targets = new BigInt64Array(microBatch * sequence).fill(-1n)
  for (const [at, row] of rows.entries())
    for (let place = 0; place < sequence; place++) {
      tokens[at * sequence + place] = BigInt(part.tokens[row * sequence + place]!)
      targets[at * sequence + place] = BigInt(part.targets[row * sequence + place]!)
    }
  const dims = [microBatch, sequence]
  return { [TOKENS]: new Tensor('int64', tokens, dims), [TARGET]: new Tensor('int64', targets, dims) }
}

/** Tokens that a window tells. */
function toldIn({ targets, sequence }: TextPart, row: number): number {
  let told = 0
  for (let at = row * sequence; at < (row + 1) * sequence; at++) if (targets[at]! >= 0) told++
  return told
}

function madeUpWindows({ sequence, vocabulary }: TextStepGraph, stream: Stream): TextPart {
  const word = (): number => stream.below(vocabulary)
  const length = MADE_UP_ROWS * sequence
  return {
    name: 'made up',
    sequence,
    rows: MADE_UP_ROWS,
    tokens: Int32Array.from({ length }, word),
    targets: Int32Array.from({ length }, word),
    units: rowUnits(MADE_UP_ROWS),
  }
}
