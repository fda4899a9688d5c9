/**
 * Adapters as PEFT reads them (`adapter_model.safetensors`, `adapter_config.json`), for the model as transformers has it. There
 * rotary pairs lie half a head apart and not side by side as in GGUF: rows of queries and keys are put in that order.
 */
import type { LoraAdapter, LoraMatrices } from '@sotto/protocol/gguf'
import { encodeSafetensors, floatsOf, parseSafetensors, type Safetensor } from '@sotto/protocol/training'
import { roomTrainError } from '../errors.ts'
import { adapterOf, type AdapterPlan } from './adapter.ts'
import { bytesOf, writeAdapter } from './reload-lora.ts'

/** Names of an architecture's modules in transformers. */
interface Modules {
  /** Where blocks lie. */
  readonly blocks: string
  readonly names: Readonly<Record<string, string>>
  /** Whether its layers hold weights [inputs, outputs]. */
  readonly isTurned: boolean
}

const MODULES: Readonly<Record<string, Modules>> = {
  llama: {
    blocks: 'model.layers',
    names: {
      attn_q: 'self_attn.q_proj',
      attn_k: 'self_attn.k_proj',
      attn_v: 'self_attn.v_proj',
      attn_output: 'self_attn.o_proj',
      ffn_gate: 'mlp.gate_proj',
      ffn_up: 'mlp.up_proj',
      ffn_down: 'mlp.down_proj',
    },
    isTurned: false,
  },
  gpt2: {
    blocks: 'transformer.h',
    names: {
      attn_qkv: 'attn.c_attn',
      attn_output: 'attn.c_proj',
      ffn_up: 'mlp.c_fc',
      ffn_down: 'mlp.c_proj',
    },
    isTurned: true,
  },
}

const PREFIX = 'base_model.model'
/** Entry of metadata that holds the configuration: PEFT wants it in a file beside this one. */
const CONFIG = 'adapter_config.json'

/**
 * The trained adapter in safetensors, checked after it was written. Its metadata hold under `adapter_config.json` the text that
 * PEFT wants in a file of that name.
 *
 * @param values one array for each parameter, in order
 * @throws `ROOM_TRAIN_RELOAD`; `ROOM_TRAIN_GRAPH` for a module that has no name there
 */
export function exportLoraSafetensors(plan: AdapterPlan, values: readonly Float32Array[]): Uint8Array {
  return writeAdapter(adapterOf(plan, values), {
    write: (adapter) => writePeft(plan, adapter),
    read: (bytes) => readPeft(plan, bytes),
  })
}

function writePeft(plan: AdapterPlan, adapter: LoraAdapter): Uint8Array {
  const tensors = adapter.branches.flatMap((branch): Safetensor[] => {
    const name = `${PREFIX}.${moduleOf(plan, branch.module)}`
    const { rank, inputs, outputs, down } = branch
    const up = reordered(plan, branch, 'halves')
    return [
      { name: `${name}.lora_A.weight`, type: 'F32', shape: [rank, inputs], data: bytesOf(down) },
      { name: `${name}.lora_B.weight`, type: 'F32', shape: [outputs, rank], data: bytesOf(up) },
    ]
  })
  return encodeSafetensors({
    tensors,
    metadata: new Map([
      [CONFIG, configOf(plan, adapter)],
      ['format', 'pt'],
    ]),
  })
}

function readPeft(plan: AdapterPlan, bytes: Uint8Array): LoraAdapter {
  const { tensors, metadata } = parseSafetensors(bytes)
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const { lora_alpha: alpha } = JSON.parse(metadata.get(CONFIG) ?? '{}') as { lora_alpha?: number }
  const branches = plan.branches.flatMap(({ module }): LoraMatrices[] => {
    const name = `${PREFIX}.${moduleOf(plan, module)}`
    const [down, up] = [byName.get(`${name}.lora_A.weight`), byName.get(`${name}.lora_B.weight`)]
    if (!down || !up) return []
    const [rank = 0, inputs = 0] = down.shape
    const branch = { module, rank, inputs, outputs: up.shape[0] ?? 0, down: floatsOf(down), up: floatsOf(up) }
    return [{ ...branch, up: reordered(plan, branch, 'neighbours') }]
  })
  return { architecture: plan.architecture, alpha: alpha ?? 0, branches }
}

/** What PEFT's `LoraConfig` is made of. */
function configOf(plan: AdapterPlan, { alpha, branches }: LoraAdapter): string {
  return JSON.stringify({
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    r: plan.rank,
    lora_alpha: alpha,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: modulesOf(plan).isTurned,
    // In full: by their last names, modules of other blocks would get branches as well.
    target_modules: branches.map(({ module }) => moduleOf(plan, module)),
  })
}

function moduleOf(plan: AdapterPlan, module: string): string {
  if (module === 'output') return 'lm_head'
  const { blocks, names } = modulesOf(plan)
  const [, block, kind = ''] = /^blk\.(\d+)\.(\w+)$/.exec(module) ?? []
  if (block === undefined || !Object.hasOwn(names, kind))
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'a module of the adapter has no name in transformers')
  return `${blocks}.${block}.${names[kind]}`
}

function modulesOf({ architecture }: AdapterPlan): Modules {
  if (!Object.hasOwn(MODULES, architecture))
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the architecture has no name in transformers')
  return MODULES[architecture]!
}

/** Rows of `up` in the order of transformers (`halves`), or back in that of GGUF; only queries and keys of llama differ. */
function reordered(
  { architecture, heads }: AdapterPlan,
  { module, outputs, rank, up }: LoraMatrices,
  to: 'halves' | 'neighbours',
): Float32Array {
  const count = { attn_q: heads.queries, attn_k: heads.keys }[module.split('.').at(-1)!]
  if (architecture !== 'llama' || count === undefined) return up
  const width = outputs / count
  const out = new Float32Array(up.length)
  for (let row = 0; row < outputs; row++) {
    const place = row % width
    const half = row - place + (place % 2) * (width / 2) + Math.floor(place / 2)
    const [from, into] = to === 'halves' ? [row, half] : [half, row]
    out.set(up.subarray(from * rank, (from + 1) * rank), into * rank)
  }
  return out
}
