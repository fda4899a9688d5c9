import { createReadStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { engineError } from '../errors.ts'
import { parseModelManifest } from '../manifest.ts'
import type { ModelManifest } from '../types.ts'
import type { ModelBytes } from './ram-file.ts'

/**
 * A model that lies open in a directory with its `manifest.json` (the default models of the product). The files are
 * read when the engine starts, and checked against the manifest on the way. Sealed models come from `models/` instead.
 *
 * @throws `ENGINE_MODEL_INVALID`
 */
export function readModelDirectory(directory: string): {
  manifest: ModelManifest
  files: ReadonlyMap<string, ModelBytes>
} {
  let text: string
  try {
    text = readFileSync(join(directory, 'manifest.json'), 'utf8')
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', 'directory has no readable manifest.json', {
      cause,
      found: directory,
    })
  }
  const manifest = parseModelManifest(text)
  const files = new Map<string, ModelBytes>()
  for (const { name } of manifest.files) files.set(name, lazyFile(join(directory, name), name))
  return { manifest, files }
}

async function* lazyFile(path: string, name: string): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
      yield chunk as Uint8Array
  } catch (cause) {
    throw engineError('ENGINE_MODEL_INVALID', `model file ${name} cannot be read`, { cause })
  }
}
