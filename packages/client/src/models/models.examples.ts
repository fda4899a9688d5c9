import type { RunResult, TensorInput } from '../tensors/index.ts'
import type { Sotto } from '../types.ts'
import { type ModelOwner, modelOwner } from './owner.ts'

/** Bring a model, use it, take it away again. */
export async function bringYourOwn(
  sotto: Sotto,
  seed: Uint8Array,
  file: Blob,
  samples: TensorInput,
): Promise<RunResult['outputs']> {
  //#region models_basicUsage
  const owner: ModelOwner = modelOwner(seed) // 32 random bytes that you keep: they are the owner
  const model = await sotto.models.upload({ 'ears.onnx': file }, { owner, name: 'ears' }) // sealed on this machine
  const { outputs } = await sotto.models.run(model.id, { samples })
  await sotto.models.remove('ears', { owner }) // its key is destroyed, and nobody serves it again
  //#endregion models_basicUsage
  return outputs
}
