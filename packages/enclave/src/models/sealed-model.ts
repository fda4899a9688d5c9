import { open } from 'node:fs/promises'
import { SottoError } from '@sotto/protocol/errors'
import { openArtifact, type RangeReader } from '@sotto/protocol/sealed'
import { parseModelManifest, type ModelManifest } from '../engines/index.ts'

/** A model in memory: its manifest and files, nothing written anywhere. */
export interface OpenedModel {
  manifest: ModelManifest
  /** By file name. */
  files: Map<string, Uint8Array>
}

/**
 * Opens a sealed model from the untrusted disk: the artifact's metadata is the manifest, its content
 * the files one after the other in the manifest's order. Chunks are decrypted into memory as they
 * are read; sizes come from the authenticated manifest.
 *
 * @throws `SEALED_MALFORMED`, `SEALED_KEY`, `SEALED_TAMPERED`, `ENGINE_MODEL_INVALID`, `MODEL_UNREADABLE` (fix-input)
 */
export async function openSealedModel(file: string, contentKey: Uint8Array): Promise<OpenedModel> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw new SottoError('MODEL_UNREADABLE', 'fix-input', 'a sealed model file cannot be read', { cause })
  })
  const read: RangeReader = async (start, length) => {
    const buffer = new Uint8Array(length)
    const { bytesRead } = await handle.read(buffer, 0, length, start)
    return buffer.subarray(0, bytesRead)
  }
  try {
    const { metadata, header, content } = await openArtifact(read, contentKey)
    const manifest = parseModelManifest(metadata)
    const total = manifest.files.reduce((sum, { size }) => sum + size, 0)
    if (total !== header.plaintextBytes) {
      throw new SottoError('ENGINE_MODEL_INVALID', 'fix-input', 'manifest and content disagree', {
        expected: `${total} bytes`,
        found: `${header.plaintextBytes}`,
      })
    }
    return { manifest, files: await split(manifest, content) }
  } finally {
    await handle.close()
  }
}

async function split(
  manifest: ModelManifest,
  content: AsyncIterable<Uint8Array>,
): Promise<Map<string, Uint8Array>> {
  const files = manifest.files.map(({ name, size }) => ({ name, bytes: new Uint8Array(size), filled: 0 }))
  let current = 0
  for await (const chunk of content) {
    for (let offset = 0; offset < chunk.length;) {
      while (files[current]!.filled === files[current]!.bytes.length) current++
      const file = files[current]!
      const taken = Math.min(chunk.length - offset, file.bytes.length - file.filled)
      file.bytes.set(chunk.subarray(offset, offset + taken), file.filled)
      file.filled += taken
      offset += taken
    }
    chunk.fill(0)
  }
  return new Map(files.map(({ name, bytes }) => [name, bytes]))
}
