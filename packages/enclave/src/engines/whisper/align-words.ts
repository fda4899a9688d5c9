import type { Tensor } from 'onnxruntime-node'
import { engineError } from '../errors.ts'
import { idTensor, type Session, toFloats } from '../onnx/index.ts'
import { type Encoded, logSumExp } from '../seq2seq/index.ts'
import { SECONDS_PER_STAMP } from './config.ts'
import type { WhisperModel } from './model.ts'
import { warpPath } from './warp-path.ts'

/** When each text token of a window is spoken. */
export interface TokenTimes {
  /** Seconds from the start of the window, one more than there are tokens: where each begins, and the last ends. */
  readonly times: readonly number[]
  /** Natural-log probability of each token among text tokens. */
  readonly logprobs: readonly number[]
}

const ATTENTION = /^cross_attentions\.(\d+)$/

/** Whether the export answers with the attention that word times are read from. */
export function canAlign(decoder: Session): boolean {
  return decoder.outputs.some(({ name }) => ATTENTION.test(name))
}

/**
 * Times of text tokens from the decoder's cross attention, as openai/whisper finds them: the decoder reads the text
 * once more, and the path of attention through the window is made monotonic (`find_alignment`).
 *
 * @param text text tokens of a window, without timestamps
 * @param start start, language and task
 * @param frames frames of the recording in the window
 * @throws `ENGINE_UNSUPPORTED` where the export lacks cross attentions
 */
export async function alignTokens(
  model: WhisperModel,
  encoded: Encoded,
  text: readonly number[],
  start: readonly number[],
  frames: number,
): Promise<TokenTimes> {
  const { config } = model
  const decoder = model.decoder.first
  if (!canAlign(decoder))
    throw engineError('ENGINE_UNSUPPORTED', 'this export of the model cannot time words', {
      expected: 'timestamp_granularities without word, or an export with the outputs cross_attentions.N',
    })
  const tokens = [...start, config.noTimestampsToken, ...text, config.endToken].slice(0, config.maxTokens)
  const heads = headsOf(model)
  const layers = [...new Set(heads.map(([layer]) => layer))].map((layer) => `cross_attentions.${layer}`)
  const results = await decoder.run(readAll(decoder, tokens, encoded), ['logits', ...layers])
  const logprobs = textLogprobs(results['logits']!, text, start.length, config.endToken)
  // Rows from <|notimestamps|> on: each looks where the token after it is spoken.
  const rows = text.length + 1
  const places = Math.min(Math.floor(frames / 2), config.windowFrames / 2)
  if (places === 0) return { times: Array<number>(rows).fill(0), logprobs }
  const cost = new Float64Array(rows * places)
  for (const [layer, head] of heads) {
    const attention = results[`cross_attentions.${layer}`]
    if (
      !attention ||
      attention.dims.length !== 4 ||
      attention.dims[2] !== tokens.length ||
      head >= attention.dims[1]!
    )
      throw engineError('ENGINE_MODEL_INVALID', 'cross attention does not have the shape it should')
    addHead(cost, attention, head, start.length, rows, places, config.medianFilterWidth)
  }
  for (let i = 0; i < cost.length; i++) cost[i]! /= -heads.length
  const path = warpPath(cost, rows, places)
  const times: number[] = []
  for (const { row, place } of path) if (row === times.length) times.push(place * SECONDS_PER_STAMP)
  return { times, logprobs }
}

/** The heads the model names, else all of the upper half of the layers. */
function headsOf({ config }: WhisperModel): readonly (readonly [number, number])[] {
  if (config.alignmentHeads && config.alignmentHeads.length > 0) return config.alignmentHeads
  const from = Math.floor(config.layers / 2)
  return Array.from({ length: (config.layers - from) * config.heads }, (_, i) => [
    from + Math.floor(i / config.heads),
    i % config.heads,
  ])
}

function readAll(decoder: Session, tokens: readonly number[], { hidden }: Encoded): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {}
  for (const port of decoder.inputs) {
    if (port.name === 'input_ids') feeds[port.name] = idTensor(tokens, tokens.length, port)
    else if (port.name === 'encoder_hidden_states') feeds[port.name] = hidden
    else
      throw engineError('ENGINE_UNSUPPORTED', 'this export of the model cannot time words', {
        found: port.name,
      })
  }
  return feeds
}

function textLogprobs(logits: Tensor, text: readonly number[], offset: number, end: number): number[] {
  const size = logits.dims[2]!
  const values = toFloats(logits)
  return text.map((token, i) => {
    const scores = values.subarray((offset + i) * size, (offset + i + 1) * size)
    return scores[token]! - logSumExp(scores, 0, end)
  })
}

/** Adds one head's attention: a distribution over the places heard, compared over the rows, smoothed in time. */
function addHead(
  sum: Float64Array,
  attention: Tensor,
  head: number,
  firstRow: number,
  rows: number,
  places: number,
  filterWidth: number,
): void {
  const [, , length = 0, width = 0] = attention.dims
  const values = toFloats(attention)
  const weights = new Float64Array(rows * places)
  for (let row = 0; row < rows; row++) {
    const at = (head * length + firstRow + row) * width
    let total = 0
    for (let p = 0; p < places; p++) total += values[at + p]!
    for (let p = 0; p < places; p++) weights[row * places + p] = values[at + p]! / (total || 1)
  }
  for (let p = 0; p < places; p++) {
    let mean = 0
    for (let row = 0; row < rows; row++) mean += weights[row * places + p]! / rows
    let variance = 0
    for (let row = 0; row < rows; row++) variance += (weights[row * places + p]! - mean) ** 2 / rows
    const deviation = Math.sqrt(variance) || 1
    for (let row = 0; row < rows; row++)
      weights[row * places + p] = (weights[row * places + p]! - mean) / deviation
  }
  for (let row = 0; row < rows; row++) {
    const smooth = medianFilter(weights.subarray(row * places, (row + 1) * places), filterWidth)
    for (let p = 0; p < places; p++) sum[row * places + p]! += smooth[p]!
  }
}

/** Median of `width` neighbours, the ends mirrored; too short a row stays as it is. */
function medianFilter(values: Float64Array, width: number): Float64Array {
  const half = width >> 1
  if (values.length <= half) return values
  const mirrored = (i: number): number => {
    const inside = i < 0 ? -i : i
    return values[inside < values.length ? inside : 2 * (values.length - 1) - inside]!
  }
  return values.map((_, i) => {
    const near = Float64Array.from({ length: width }, (_, k) => mirrored(i + k - half)).sort()
    return near[half]!
  })
}
