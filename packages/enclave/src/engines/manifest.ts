import * as manifests from '@sotto/protocol/model-manifest'
import { engineError } from './errors.ts'

export { modelDigest } from '@sotto/protocol/model-manifest'

/**
 * Parses a manifest (`manifest.json`, or the metadata of a sealed model), which whoever supplies the model controls.
 * The files themselves are checked when they load.
 *
 * @throws `ENGINE_MODEL_INVALID`
 */
export function parseModelManifest(text: string): manifests.ModelManifest {
  try {
    return manifests.parseModelManifest(text)
  } catch (cause) {
    const { message, expected, found } = cause as Error & { expected?: string; found?: string }
    throw engineError('ENGINE_MODEL_INVALID', message, {
      cause,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
}
