import { encodeGraphAdapter, parseGraphAdapter } from '@sotto/protocol/train-graph'
import { branchesOf, type LoraPlan } from './adapter.ts'
import { writeAdapter } from './reload-lora.ts'

/** What stands for an architecture, which graphs do not name. */
const ARCHITECTURE = 'onnx'

/**
 * The trained adapter of a graph, as the engine of graphs loads it beside the model that it was trained on, checked after it
 * was written.
 *
 * @param values one array for each parameter, in order
 * @throws `ROOM_TRAIN_RELOAD`; `TRAINING_SAFETENSORS` where two branches stand beside modules of one name
 */
export function exportGraphAdapter(plan: LoraPlan, values: readonly Float32Array[]): Uint8Array {
  const { alphaMilli } = plan
  const branches = branchesOf(plan, values)
  return writeAdapter(
    { architecture: ARCHITECTURE, alpha: alphaMilli / 1000, branches },
    {
      write: () => encodeGraphAdapter({ alphaMilli, branches }),
      read: (bytes) => {
        const found = parseGraphAdapter(bytes)
        return { architecture: ARCHITECTURE, alpha: found.alphaMilli / 1000, branches: found.branches }
      },
    },
  )
}
