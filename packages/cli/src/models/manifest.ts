import {
  createModelManifest,
  type ModelFileEntry,
  type ModelFileRole,
  type ModelManifest,
  parseModelManifest,
} from '@sotto/protocol/model-manifest'
import { cliError } from '../errors.ts'

export {
  MAX_MODEL_FILES,
  MODEL_FILE_NAME as FILE_NAME,
  MODEL_ID,
  modelDigest,
} from '@sotto/protocol/model-manifest'

/** Engines that can run what a hub holds. */
export type PulledEngine = 'ctc' | 'whisper' | 'seq2seq' | 'embedding' | 'gguf'

/** What a pulled model is for. */
export type PulledTask = 'transcription' | 'text-generation' | 'summarization' | 'embedding'

export type FileRole = ModelFileRole
export type ManifestFile = ModelFileEntry
export type Manifest = ModelManifest

/** The text of a manifest with its digest. */
export function createManifest(model: Omit<Manifest, 'format' | 'digest'>): {
  manifest: Manifest
  text: string
} {
  const manifest = createModelManifest(model)
  return { manifest, text: `${JSON.stringify(manifest, null, 2)}\n` }
}

/**
 * Reads a manifest that lies on this machine, as strictly as the enclave does.
 * @throws `CLI_MODEL`
 */
export function parseManifest(text: string): Manifest {
  try {
    return parseModelManifest(text)
  } catch (cause) {
    const { message, expected, found } = cause as Error & { expected?: string; found?: string }
    throw cliError('CLI_MODEL', `a ${message}`, {
      cause,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
}
