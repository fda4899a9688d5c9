import { type GgufFile, ggufError, realOf } from '../../gguf/index.ts'
import type { OnnxModel } from '../../onnx/index.ts'
import { attention, causalBias } from './attention.ts'
import { readSizes } from './gguf-sizes.ts'
import { finishHead } from './llama.ts'
import { ForwardWriter } from './writer.ts'

/**
 * The forward graph of a GGUF file of the architecture `gpt2`: LayerNorm, positions that are learned, one product for
 * queries, keys and values, and GELU by tanh.
 *
 * @throws `GGUF_MALFORMED`, `GGUF_UNSUPPORTED`
 */
export function gpt2Forward(file: GgufFile, sequence: number): OnnxModel {
  const { width, blocks, feedForward, heads } = readSizes(file.metadata, {
    architecture: 'gpt2',
    keys: ['attention.layer_norm_epsilon'],
    sequence,
  })
  const epsilon = realOf(file.metadata, 'gpt2.attention.layer_norm_epsilon')
  if (epsilon === undefined) throw ggufError('GGUF_MALFORMED', 'file lacks the epsilon of its norms')
  if (width % heads !== 0)
    throw ggufError('GGUF_MALFORMED', 'numbers of a model are no multiple of its heads')
  const each = width / heads
  const w = new ForwardWriter(file)
  const bias = causalBias(w, sequence)
  const norm = (x: string, module: string): string => {
    const inputs = [x, w.weight(`${module}.weight`, [width]), w.weight(`${module}.bias`, [width])]
    return w.add('LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } })
  }
  const [vocabulary = 0] = w.dimsOf('token_embd.weight')
  const [positions = 0] = w.dimsOf('position_embd.weight')
  if (positions < sequence) throw ggufError('GGUF_MALFORMED', 'a model has fewer positions than it says')
  const words = w.add('Gather', [w.weight('token_embd.weight', [vocabulary, width]), 'tokens'])
  const places = w.add('Gather', [
    w.weight('position_embd.weight', [positions, width]),
    w.ints(
      [sequence],
      Array.from({ length: sequence }, (_, at) => at),
    ),
  ])
  let x = w.reshape(w.add('Add', [words, places]), [-1, width])
  for (let block = 0; block < blocks; block++) {
    const at = `blk.${block}`
    const all = w.linear(norm(x, `${at}.attn_norm`), `${at}.attn_qkv`, width, 3 * width)
    const part = (from: number): string =>
      w.add('Slice', [all, w.ints([1], [from * width]), w.ints([1], [(from + 1) * width]), w.ints([1], [1])])
    const rows = { q: part(0), k: part(1), v: part(2) }
    const sizes = { sequence, queries: heads, keys: heads, keyWidth: each, valueWidth: each }
    const found = attention(w, rows, sizes, { bias })
    x = w.add('Add', [x, w.linear(found, `${at}.attn_output`, width, width)])
    const fed = w.linear(norm(x, `${at}.ffn_norm`), `${at}.ffn_up`, width, feedForward)
    x = w.add('Add', [x, w.linear(gelu(w, fed), `${at}.ffn_down`, feedForward, width)])
  }
  return finishHead(w, norm(x, 'output_norm'), { sequence, width, vocabulary })
}

/** x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))). */
function gelu(w: ForwardWriter, x: string): string {
  const times = (a: string, factor: number): string => w.add('Mul', [a, w.reals([], [factor])])
  const cube = w.add('Mul', [w.add('Mul', [x, x]), x])
  const inner = times(w.add('Add', [x, times(cube, 0.044715)]), Math.sqrt(2 / Math.PI))
  const open = w.add('Add', [w.add('Tanh', [inner]), w.reals([], [1])])
  return w.add('Mul', [times(x, 0.5), open])
}
