import { closeSync, openSync, writeSync } from 'node:fs'
import { randomFillSync } from 'node:crypto'

/** Dimensions of a llama. */
export interface LlamaShape {
  embedding: number
  layers: number
  feedForward: number
  heads: number
  keyValueHeads: number
  vocabulary: number
  context: number
}

/** Shapes of models that people run: TinyLlama 1.1B, and a llama of 110 million parameters. */
export const LLAMA_SHAPES: Record<'1.1b' | '110m', LlamaShape> = {
  '1.1b': {
    embedding: 2048,
    layers: 22,
    feedForward: 5632,
    heads: 32,
    keyValueHeads: 4,
    vocabulary: 32_000,
    context: 2048,
  },
  '110m': {
    embedding: 768,
    layers: 12,
    feedForward: 2048,
    heads: 12,
    keyValueHeads: 12,
    vocabulary: 32_000,
    context: 1024,
  },
}

const F32 = 0
const Q4_0 = 2
/** ggml: blocks of 32 weights, a half-precision scale and 16 bytes. */
const BLOCK_WEIGHTS = 32
const BLOCK_BYTES = 18
const ALIGNMENT = 32
const PIECE_BLOCKS = 65_536
const UINT32 = 4
const INT32 = 5
const FLOAT32 = 6
const STRING = 8
const ARRAY = 9

interface TensorEntry {
  name: string
  shape: number[]
  type: typeof F32 | typeof Q4_0
}

/** Writes a GGUF file of random weights in q4_0. It says nothing of use; it takes the time of a real one. */
export function writeRandomLlama(file: string, shape: LlamaShape): void {
  const tensors = tensorsOf(shape)
  const out = openSync(file, 'wx', 0o600)
  try {
    const header = Buffer.concat([...headerOf(shape, tensors.length), ...entriesOf(tensors)])
    writeSync(out, padded(header))
    for (const tensor of tensors) writeTensor(out, tensor)
  } finally {
    closeSync(out)
  }
}

function tensorsOf({
  embedding,
  layers,
  feedForward,
  heads,
  keyValueHeads,
  vocabulary,
}: LlamaShape): TensorEntry[] {
  const keyValue = (embedding / heads) * keyValueHeads
  const matrix = (name: string, from: number, to: number): TensorEntry => ({
    name,
    shape: [from, to],
    type: Q4_0,
  })
  const norm = (name: string): TensorEntry => ({ name, shape: [embedding], type: F32 })
  const tensors = [matrix('token_embd.weight', embedding, vocabulary)]
  for (let layer = 0; layer < layers; layer++) {
    const at = `blk.${layer}.`
    tensors.push(
      norm(`${at}attn_norm.weight`),
      matrix(`${at}attn_q.weight`, embedding, embedding),
      matrix(`${at}attn_k.weight`, embedding, keyValue),
      matrix(`${at}attn_v.weight`, embedding, keyValue),
      matrix(`${at}attn_output.weight`, embedding, embedding),
      norm(`${at}ffn_norm.weight`),
      matrix(`${at}ffn_gate.weight`, embedding, feedForward),
      matrix(`${at}ffn_up.weight`, embedding, feedForward),
      matrix(`${at}ffn_down.weight`, feedForward, embedding),
    )
  }
  return [...tensors, norm('output_norm.weight'), matrix('output.weight', embedding, vocabulary)]
}

function headerOf(shape: LlamaShape, tensorCount: number): Buffer[] {
  const words = vocabularyOf(shape.vocabulary)
  const pairs = [
    pair('general.architecture', STRING, text('llama')),
    pair('general.name', STRING, text('random weights for measurements')),
    pair('llama.context_length', UINT32, uint32(shape.context)),
    pair('llama.embedding_length', UINT32, uint32(shape.embedding)),
    pair('llama.block_count', UINT32, uint32(shape.layers)),
    pair('llama.feed_forward_length', UINT32, uint32(shape.feedForward)),
    pair('llama.attention.head_count', UINT32, uint32(shape.heads)),
    pair('llama.attention.head_count_kv', UINT32, uint32(shape.keyValueHeads)),
    pair('llama.attention.layer_norm_rms_epsilon', FLOAT32, float32(1e-5)),
    pair('llama.rope.dimension_count', UINT32, uint32(shape.embedding / shape.heads)),
    pair('tokenizer.ggml.model', STRING, text('llama')),
    pair(
      'tokenizer.ggml.tokens',
      ARRAY,
      array(
        STRING,
        words.map(({ word }) => text(word)),
      ),
    ),
    pair(
      'tokenizer.ggml.scores',
      ARRAY,
      array(
        FLOAT32,
        words.map((_, index) => float32(-index)),
      ),
    ),
    pair(
      'tokenizer.ggml.token_type',
      ARRAY,
      array(
        INT32,
        words.map(({ type }) => uint32(type)),
      ),
    ),
    pair('tokenizer.ggml.unknown_token_id', UINT32, uint32(0)),
    pair('tokenizer.ggml.bos_token_id', UINT32, uint32(1)),
    pair('tokenizer.ggml.eos_token_id', UINT32, uint32(2)),
  ]
  return [Buffer.from('GGUF'), uint32(3), uint64(tensorCount), uint64(pairs.length), ...pairs]
}

/** Three special tokens, the 256 bytes, and words of letters. */
function vocabularyOf(size: number): { word: string; type: number }[] {
  const words = [
    { word: '<unk>', type: 2 },
    { word: '<s>', type: 3 },
    { word: '</s>', type: 3 },
  ]
  for (let byte = 0; byte < 256; byte++)
    words.push({ word: `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, type: 6 })
  while (words.length < size)
    words.push({
      word: `▁${words.length.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)]!)}`,
      type: 1,
    })
  return words
}

function entriesOf(tensors: TensorEntry[]): Buffer[] {
  let offset = 0
  return tensors.map((tensor) => {
    const { name, shape, type } = tensor
    const entry = [text(name), uint32(shape.length), ...shape.map(uint64), uint32(type), uint64(offset)]
    offset += Math.ceil(bytesOf(tensor) / ALIGNMENT) * ALIGNMENT
    return Buffer.concat(entry)
  })
}

function bytesOf({ shape, type }: TensorEntry): number {
  const weights = shape.reduce((product, size) => product * size, 1)
  return type === F32 ? weights * 4 : (weights / BLOCK_WEIGHTS) * BLOCK_BYTES
}

function writeTensor(out: number, tensor: TensorEntry): void {
  const bytes = bytesOf(tensor)
  if (tensor.type === F32) {
    writeSync(out, padded(Buffer.from(new Float32Array(bytes / 4).fill(1).buffer)))
    return
  }
  const piece = Buffer.alloc(PIECE_BLOCKS * BLOCK_BYTES)
  for (let at = 0; at < bytes; at += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, bytes - at))
    randomFillSync(part)
    // 0.0043 in half precision: weights of standard deviation 0.02.
    for (let block = 0; block < part.length; block += BLOCK_BYTES) part.writeUInt16LE(0x1c67, block)
    writeSync(out, part)
  }
  writeSync(out, new Uint8Array((ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT))
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, new Uint8Array((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)])
}

function pair(key: string, type: number, value: Buffer): Buffer {
  return Buffer.concat([text(key), uint32(type), value])
}

function array(type: number, values: Buffer[]): Buffer {
  return Buffer.concat([uint32(type), uint64(values.length), ...values])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint64(bytes.length), bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}
