import type { Tensor } from 'onnxruntime-node'
import { engineError } from '../errors.ts'
import {
  asPortType,
  flagTensor,
  idTensor,
  type Port,
  type Session,
  takeRows,
  toFloats,
  type Values,
  zeroTensor,
} from '../onnx/index.ts'
import type { Step, StepDecoder } from './step-decoder.ts'

/**
 * The decoder of an ONNX export as Optimum writes it: `decoder_model` with or without `decoder_with_past_model`,
 * or both in one `decoder_model_merged` with a `use_cache_branch` input.
 */
export interface DecoderGraphs {
  /** Reads whole rows. */
  readonly first: Session
  /** Reads one token a row and what earlier steps left. Absent: every step reads whole rows. May be `first`. */
  readonly later?: Session
}

/** An encoded input. */
export interface Encoded {
  /** `[1, source, width]`. */
  readonly hidden: Tensor
  /** `[1, source]`; absent where all of it counts. */
  readonly mask?: Tensor
}

const PAST = /^past_key_values\.\d+\.(?:(?:decoder|encoder)\.)?(?:key|value)$/
const ENCODER_PAST = /\.encoder\.(?:key|value)$/
const KNOWN = new Set([
  'input_ids',
  'decoder_input_ids',
  'encoder_hidden_states',
  'encoder_attention_mask',
  'attention_mask',
  'decoder_attention_mask',
  'cache_position',
  'position_ids',
  'use_cache_branch',
])

/** @throws `ENGINE_MODEL_INVALID` where a graph wants an input that no known export has, or lacks `logits` */
export function checkDecoderGraphs({ first, later }: DecoderGraphs): void {
  for (const graph of later ? [first, later] : [first]) {
    const odd = graph.inputs.find(({ name }) => !KNOWN.has(name) && !PAST.test(name))
    if (odd || !graph.outputs.some(({ name }) => name === 'logits'))
      throw engineError('ENGINE_MODEL_INVALID', 'decoder is not an export this engine can drive', {
        expected: 'the inputs and outputs of a Hugging Face Optimum export',
        ...(odd && { found: `input ${odd.name}` }),
      })
  }
  const pasts = later?.inputs.filter(({ name }) => PAST.test(name)) ?? []
  const presents = new Set(first.outputs.map(({ name }) => pastName(name)))
  if (later && (pasts.length === 0 || !pasts.every(({ name }) => presents.has(name))))
    throw engineError('ENGINE_MODEL_INVALID', 'decoder does not answer with the keys and values it asks for')
}

/** A decoder on ONNX graphs for one encoded input. */
export function createGraphDecoder(graphs: DecoderGraphs, encoded: Encoded, useCache = true): StepDecoder {
  const { first } = graphs
  const later = useCache ? graphs.later : undefined
  let past: Record<string, Tensor> | undefined
  let hidden = encoded.hidden
  let mask = encoded.mask

  /** Repeats what belongs to the input, which is the same for all rows, when the number of rows changes. */
  const fit = (tensor: Tensor, rows: number): Tensor =>
    tensor.dims[0] === rows ? tensor : takeRows(tensor, Array<number>(rows).fill(0))

  return {
    step: async (rows, order): Promise<Step> => {
      const count = rows.length
      const length = rows[0]!.length
      hidden = fit(hidden, count)
      mask &&= fit(mask, count)
      const graph = past && later ? later : first
      const seen = past && later ? length - 1 : 0
      const kept = past && later && reorder(past, order, fit)
      const feeds: Record<string, Tensor> = {}
      for (const port of graph.inputs)
        feeds[port.name] = kept?.[port.name] ?? feedOf(port, rows, seen, hidden, mask, kept !== undefined)
      const wanted = graph.outputs.filter(
        ({ name }) =>
          name === 'logits' || (later && name.startsWith('present') && !(kept && ENCODER_PAST.test(name))),
      )
      const results = await graph.run(
        feeds,
        wanted.map(({ name }) => name),
      )
      if (later) past = remember(results, kept)
      return stepOf(results['logits']!, count)
    },
  }
}

function feedOf(
  port: Port,
  rows: readonly (readonly number[])[],
  seen: number,
  hidden: Tensor,
  mask: Tensor | undefined,
  cached: boolean,
): Tensor {
  const length = rows[0]!.length
  const fresh = length - seen
  const ones = (width: number): Tensor => idTensor(Array<number>(rows.length * width).fill(1), width, port)
  switch (port.name) {
    case 'input_ids':
    case 'decoder_input_ids':
      return idTensor(
        rows.flatMap((row) => row.slice(seen)),
        fresh,
        port,
      )
    case 'encoder_hidden_states':
      return asPortType(hidden, port)
    case 'encoder_attention_mask':
    case 'attention_mask':
      return mask ?? ones(hidden.dims[1]!)
    case 'decoder_attention_mask':
      return ones(length)
    case 'position_ids':
      return idTensor(
        rows.flatMap(() => positions(seen, length)),
        fresh,
        port,
      )
    case 'cache_position':
      return idTensor(positions(seen, length), fresh, port).reshape([fresh])
    case 'use_cache_branch':
      return flagTensor(cached)
    default: {
      // The branch without a cache does not read these; only type and rank matter.
      const [, heads = 1, places = 0, width = 1] = port.shape
      return zeroTensor([rows.length, Math.max(1, heads), Math.max(0, places), Math.max(1, width)], port)
    }
  }
}

function reorder(
  past: Readonly<Record<string, Tensor>>,
  order: readonly number[],
  fit: (tensor: Tensor, rows: number) => Tensor,
): Record<string, Tensor> {
  const kept: Record<string, Tensor> = {}
  for (const [name, tensor] of Object.entries(past))
    kept[name] = ENCODER_PAST.test(name) ? fit(tensor, order.length) : takeRows(tensor, order)
  return kept
}

/** The keys and values of the input are computed once; later steps answer without them, or with empty ones. */
function remember(
  results: Values,
  kept: Readonly<Record<string, Tensor>> | undefined,
): Record<string, Tensor> {
  const past: Record<string, Tensor> = {}
  for (const [name, tensor] of Object.entries(kept ?? {})) if (ENCODER_PAST.test(name)) past[name] = tensor
  for (const [name, tensor] of Object.entries(results)) if (name !== 'logits') past[pastName(name)] = tensor
  return past
}

function stepOf(logits: Tensor, rows: number): Step {
  const [count, length = 0, size = 0] = logits.dims
  const values = toFloats(logits)
  if (logits.dims.length !== 3 || count !== rows || length === 0 || size === 0)
    throw engineError('ENGINE_MODEL_INVALID', 'decoder answers with scores of another shape', {
      expected: '[rows, length, vocabulary]',
    })
  const at = (row: number, position: number): Float32Array => {
    const start = (row * length + position) * size
    return values.subarray(start, start + size)
  }
  return {
    scores: Array.from({ length: rows }, (_, row) => at(row, length - 1)),
    scoresAt: (position) => at(0, position),
  }
}

function positions(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

function pastName(present: string): string {
  return present.replace(/^present(?:_key_values)?\./, 'past_key_values.')
}
