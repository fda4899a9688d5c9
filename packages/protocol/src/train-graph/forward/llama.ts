import { type GgufFile, ggufError, ggufFloats, realOf, textOf, wholeOf } from '../../gguf/index.ts'
import type { OnnxModel } from '../../onnx/index.ts'
import { attention, causalBias, type Heads } from './attention.ts'
import { readSizes, type Sizes } from './gguf-sizes.ts'
import { type Rope, ropeTables } from './rope.ts'
import { ForwardWriter } from './writer.ts'

/** Entries that change the graph. */
const KEYS = [
  'attention.causal',
  'attention.head_count_kv',
  'attention.key_length',
  'attention.layer_norm_rms_epsilon',
  'attention.value_length',
  'rope.dimension_count',
  'rope.freq_base',
  'rope.scaling.factor',
  'rope.scaling.type',
]

/**
 * The forward graph of a GGUF file of the architecture `llama`, as llama.cpp computes it: RMSNorm, rotary positions of
 * neighbours, attention whose keys serve groups of heads, SwiGLU, a head of its own or the embedding's.
 *
 * @throws `GGUF_MALFORMED`, `GGUF_UNSUPPORTED` for experts, other rotary positions, and everything else that is not this
 */
export function llamaForward(file: GgufFile, sequence: number): OnnxModel {
  const sizes = readSizes(file.metadata, { architecture: 'llama', keys: KEYS, sequence })
  const { metadata } = file
  const epsilon = realOf(metadata, 'llama.attention.layer_norm_rms_epsilon')
  if (epsilon === undefined) throw ggufError('GGUF_MALFORMED', 'file lacks the epsilon of its norms')
  const causal = metadata.get('llama.attention.causal')
  if (causal?.type === 'bool' && !causal.value)
    throw ggufError('GGUF_UNSUPPORTED', 'attention sees what follows: this is no model that writes')
  const w = new ForwardWriter(file)
  const { width, blocks, feedForward } = sizes
  const heads = headsOf(file, sizes)
  const rope = ropeOf(w, file, heads)
  const bias = causalBias(w, sequence)
  const norm = (x: string, module: string): string =>
    rmsNorm(w, x, w.weight(`${module}.weight`, [width]), epsilon)
  const [vocabulary = 0] = w.dimsOf('token_embd.weight')
  const table = w.weight('token_embd.weight', [vocabulary, width])
  let x = w.reshape(w.add('Gather', [table, 'tokens']), [-1, width])
  for (let block = 0; block < blocks; block++) {
    const at = `blk.${block}`
    const seen = norm(x, `${at}.attn_norm`)
    const rows = {
      q: w.linear(seen, `${at}.attn_q`, width, heads.queries * heads.keyWidth),
      k: w.linear(seen, `${at}.attn_k`, width, heads.keys * heads.keyWidth),
      v: w.linear(seen, `${at}.attn_v`, width, heads.keys * heads.valueWidth),
    }
    const found = attention(w, rows, heads, { bias, rope })
    x = w.add('Add', [x, w.linear(found, `${at}.attn_output`, heads.queries * heads.valueWidth, width)])
    const fed = norm(x, `${at}.ffn_norm`)
    const gate = w.linear(fed, `${at}.ffn_gate`, width, feedForward)
    const open = w.add('Mul', [gate, w.add('Sigmoid', [gate])])
    const inner = w.add('Mul', [open, w.linear(fed, `${at}.ffn_up`, width, feedForward)])
    x = w.add('Add', [x, w.linear(inner, `${at}.ffn_down`, feedForward, width)])
  }
  return finishHead(w, norm(x, 'output_norm'), { sequence, width, vocabulary })
}

/** The last product: with a weight of its own, or with the embedding, which then is one weight at two places. */
export function finishHead(
  w: ForwardWriter,
  x: string,
  { sequence, width, vocabulary }: { sequence: number; width: number; vocabulary: number },
): OnnxModel {
  const scores = w.has('output.weight')
    ? w.linear(x, 'output', width, vocabulary)
    : w.add('Gemm', [x, 'token_embd.weight'], { transB: 1 })
  const logits = w.reshape(scores, [-1, sequence, vocabulary])
  return w.finish({ name: 'tokens', sequence }, { name: logits, width: vocabulary })
}

/** x / √(mean of x² + epsilon), times a weight. */
function rmsNorm(w: ForwardWriter, x: string, weight: string, epsilon: number): string {
  const mean = w.add('ReduceMean', [w.add('Mul', [x, x]), w.ints([1], [-1])])
  const root = w.add('Sqrt', [w.add('Add', [mean, w.reals([], [epsilon])])])
  return w.add('Mul', [w.add('Mul', [x, w.add('Reciprocal', [root])]), weight])
}

function headsOf({ metadata }: GgufFile, { sequence, width, heads }: Sizes): Heads {
  const keys = wholeOf(metadata, 'llama.attention.head_count_kv') ?? heads
  const keyWidth = wholeOf(metadata, 'llama.attention.key_length') ?? width / heads
  const valueWidth = wholeOf(metadata, 'llama.attention.value_length') ?? width / heads
  if (keys < 1 || heads % keys !== 0 || !(keyWidth >= 1) || !(valueWidth >= 1))
    throw ggufError('GGUF_MALFORMED', 'heads of queries are no multiple of those of keys, or have no width')
  return { sequence, queries: heads, keys, keyWidth, valueWidth }
}

function ropeOf(w: ForwardWriter, { metadata, tensors }: GgufFile, { sequence, keyWidth }: Heads): Rope {
  const rotated = wholeOf(metadata, 'llama.rope.dimension_count') ?? keyWidth
  if (rotated % 2 !== 0 || rotated > keyWidth)
    throw ggufError('GGUF_MALFORMED', 'rotated numbers of a head are not even, or more than it has')
  const scaling = textOf(metadata, 'llama.rope.scaling.type') ?? 'none'
  if (scaling !== 'none' && scaling !== 'linear')
    throw ggufError('GGUF_UNSUPPORTED', 'rotary positions are scaled otherwise than in a line', scaling)
  const linear = scaling === 'none' ? 1 : realOf(metadata, 'llama.rope.scaling.factor')
  const base = realOf(metadata, 'llama.rope.freq_base') ?? 10_000
  if (linear === undefined || !(linear > 0) || !(base > 0))
    throw ggufError('GGUF_MALFORMED', 'rotary positions have a base and a factor above 0')
  const factors = tensors.find(({ name }) => name === 'rope_freqs.weight')
  if (factors) w.weight(factors.name, [rotated / 2])
  return ropeTables(w, {
    sequence,
    width: keyWidth,
    rotated,
    base,
    linear,
    ...(factors && { factors: ggufFloats(factors) }),
  })
}
