import type { Name } from '@sotto/protocol/contract'
import type { Digest } from '@sotto/protocol/keyrelease'
import { type ModelManifest, parseModelManifest } from '../../engines/index.ts'
import { splitFiles } from '../../models/owned/split-files.ts'
import { roomRoleError } from '../errors.ts'
import type { Step } from './types.ts'

/**
 * Opens the model that a contract pins, by the digest of its manifest: no other weights are used.
 * @param use reads its files once, in the order of the manifest; that they are those of the manifest it has to check
 * @throws `ROOM_INPUT`, `ROOM_FILES`; what `use` throws
 */
export async function withPinnedModel<T>(
  { inputs, onModel }: Pick<Step, 'inputs' | 'onModel'>,
  { model, digest }: { model: Name; digest: Digest },
  use: (manifest: ModelManifest, files: ReadonlyMap<string, AsyncIterable<Uint8Array>>) => Promise<T>,
): Promise<T> {
  return inputs.model(model, async (data, content) => {
    const manifest = parseModelManifest(data.model!)
    if (manifest.digest !== digest)
      throw roomRoleError('ROOM_INPUT', `${model} is not the model that the contract pins`, {
        expected: digest,
        found: manifest.digest,
      })
    const total = manifest.files.reduce((sum, { size }) => sum + size, 0)
    if (total !== data.bytes || manifest.files.length !== data.items)
      throw roomRoleError('ROOM_INPUT', `${model} has other files than its manifest says`)
    const used = await use(manifest, splitFiles(manifest, content, drained(content)))
    onModel(model, manifest.digest)
    return used
  })
}

/** Reads on to the end: what compares the whole file stands behind its last byte. */
function drained(content: AsyncIterable<Uint8Array>): () => Promise<void> {
  return async () => {
    for await (const _ of content)
      throw roomRoleError('ROOM_INPUT', 'a model has more content than its manifest says')
  }
}
