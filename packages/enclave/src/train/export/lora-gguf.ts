import { encodeLoraAdapter, parseLoraAdapter } from '@sotto/protocol/gguf'
import { adapterOf, type AdapterPlan } from './adapter.ts'
import { writeAdapter } from './reload-lora.ts'

/**
 * The trained adapter as llama.cpp loads it beside the model that it was trained on, checked after it was written.
 *
 * @param values one array for each parameter, in order
 * @throws `ROOM_TRAIN_RELOAD`
 */
export function exportLoraGguf(plan: AdapterPlan, values: readonly Float32Array[]): Uint8Array {
  return writeAdapter(adapterOf(plan, values), { write: encodeLoraAdapter, read: parseLoraAdapter })
}
