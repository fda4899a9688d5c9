/**
 * LoRA adapters as llama.cpp loads them beside a model (`llama_adapter_lora_init`): metadata that say what it is and for
 * which architecture, and two matrices for each weight that has a branch.
 */
import { ggufError } from './errors.ts'
import { realOf, textOf } from './metadata.ts'
import { ggufFloats } from './numbers.ts'
import { parseGguf } from './read.ts'
import type { GgufFile, GgufTensor, GgufValue } from './types.ts'
import { encodeGguf } from './write.ts'

/** What is added beside one weight: up · down · x, times alpha / rank. */
export interface LoraMatrices {
  /** The weight's name in the model without its end: `blk.0.attn_q`. */
  readonly module: string
  readonly rank: number
  readonly inputs: number
  readonly outputs: number
  /** [rank, inputs], row-major: `lora_a`. */
  readonly down: Float32Array
  /** [outputs, rank], row-major: `lora_b`. */
  readonly up: Float32Array
}

/** An adapter. */
export interface LoraAdapter {
  /** `general.architecture` of the model that it is for. */
  readonly architecture: string
  /** Above 0; a branch is scaled by alpha over its rank. */
  readonly alpha: number
  readonly branches: readonly LoraMatrices[]
}

const [DOWN, UP] = ['.weight.lora_a', '.weight.lora_b']
const KEYS = { kind: 'general.type', architecture: 'general.architecture', type: 'adapter.type' } as const
const ALPHA = 'adapter.lora.alpha'

/**
 * Bytes of an adapter, in f32; equal adapters give equal bytes.
 *
 * @throws `GGUF_MALFORMED` for matrices that are not of their sizes, none at all, a module twice, or an alpha that is not
 *   above 0
 */
export function encodeLoraAdapter({ architecture, alpha, branches }: LoraAdapter): Uint8Array {
  if (!(alpha > 0) || branches.length === 0) throw malformed('an adapter has an alpha above 0, and matrices')
  const metadata = new Map<string, GgufValue>([
    [KEYS.kind, { type: 'string', value: 'adapter' }],
    [KEYS.architecture, { type: 'string', value: architecture }],
    [KEYS.type, { type: 'string', value: 'lora' }],
    [ALPHA, { type: 'float32', value: alpha }],
  ])
  const tensors = branches.flatMap(({ module, rank, inputs, outputs, down, up }) => [
    tensorOf(`${module}${DOWN}`, [rank, inputs], down),
    tensorOf(`${module}${UP}`, [outputs, rank], up),
  ])
  return encodeGguf({ metadata, tensors })
}

/**
 * Reads an adapter that anybody may have written. Whether it fits a model, the engine that loads both says.
 *
 * @throws `GGUF_MALFORMED`, `GGUF_UNSUPPORTED`
 */
export function parseLoraAdapter(bytes: Uint8Array): LoraAdapter {
  const { metadata, tensors } = parseGguf(bytes)
  requireLora(metadata)
  const alpha = realOf(metadata, ALPHA)
  if (alpha === undefined || !(alpha > 0)) throw malformed('an adapter has an alpha above 0')
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const branches = tensors.flatMap((down): LoraMatrices[] => {
    if (down.name.endsWith(UP)) return []
    const module = down.name.slice(0, -DOWN.length)
    const up = byName.get(`${module}${UP}`)
    if (!down.name.endsWith(DOWN) || module === '' || up === undefined)
      throw malformed('a matrix is not one of a pair', down.name)
    return [branchOf(module, down, up)]
  })
  if (branches.length === 0 || tensors.length !== 2 * branches.length)
    throw malformed('matrices do not stand in pairs')
  return { architecture: textOf(metadata, KEYS.architecture)!, alpha, branches }
}

/**
 * Checks that metadata are those of a LoRA adapter; for whoever leaves the rest to llama.cpp.
 *
 * @throws `GGUF_MALFORMED`
 */
export function requireLora(metadata: GgufFile['metadata']): void {
  const isLora = textOf(metadata, KEYS.kind) === 'adapter' && textOf(metadata, KEYS.type) === 'lora'
  if (!isLora || textOf(metadata, KEYS.architecture) === undefined)
    throw malformed('file is no LoRA adapter for an architecture')
}

function branchOf(module: string, down: GgufTensor, up: GgufTensor): LoraMatrices {
  const [rank, inputs, ...more] = down.dims
  const [outputs, other, ...others] = up.dims
  if (inputs === undefined || rank === undefined || outputs === undefined || rank !== other)
    throw malformed('matrices of a pair are not of one rank', module)
  if (more.length > 0 || others.length > 0) throw malformed('a matrix has more than two dimensions', module)
  return { module, rank, inputs, outputs, down: ggufFloats(down), up: ggufFloats(up) }
}

function tensorOf(name: string, dims: readonly number[], values: Float32Array): GgufTensor {
  return {
    name,
    type: 'f32',
    dims,
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  }
}

function malformed(why: string, found?: string): Error {
  return ggufError('GGUF_MALFORMED', why, found)
}
