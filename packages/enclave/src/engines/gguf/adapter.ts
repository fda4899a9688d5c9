import { requireLora, textOf } from '@sotto/protocol/gguf'
import type { LlamaModel } from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import type { EngineModel, ModelFile } from '../types.ts'
import { checkFile } from './check-file.ts'

/** Entries of metadata that say what an adapter is and for which models. */
const ABOUT = ['general.type', 'general.architecture', 'adapter.type']

/** The adapter of a GGUF model; undefined where it has none. @throws `ENGINE_MODEL_INVALID` for more than one */
export function adapterOf({ files }: Pick<EngineModel, 'files'>): ModelFile | undefined {
  const adapters = [...files.values()].filter(({ role }) => role === 'adapter')
  if (adapters.length > 1) throw engineError('ENGINE_MODEL_INVALID', 'model has more than one adapter')
  return adapters[0]
}

/**
 * Checks an adapter before llama.cpp reads it: its maker controls every byte. Whether its matrices fit the weights, llama.cpp
 * says when a context is made with both.
 *
 * @param architecture `general.architecture` of the model beside which it stands
 * @throws `ENGINE_MODEL_INVALID`
 */
export function checkAdapter({ path, size }: ModelFile, architecture: string): void {
  const metadata = new Map(checkFile(path, size, (key) => ABOUT.includes(key)).entries)
  try {
    requireLora(metadata)
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', 'the adapter is none that can be loaded', { cause })
  }
  const own = textOf(metadata, 'general.architecture')
  if (own !== architecture)
    throw engineError('ENGINE_MODEL_INVALID', 'the adapter is for another architecture', {
      expected: architecture,
      found: own?.slice(0, 64) ?? 'none',
    })
}

/** The architecture of a loaded model. */
export function architectureOf({ fileInfo }: LlamaModel): string {
  return fileInfo.metadata.general.architecture
}
