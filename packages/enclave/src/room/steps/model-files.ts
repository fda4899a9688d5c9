import { createHash } from 'node:crypto'
import type { Name } from '@sotto/protocol/contract'
import type { Digest } from '@sotto/protocol/keyrelease'
import type { EngineName, ModelFileEntry } from '../../engines/index.ts'
import type { TrainFile } from '../../train/process/index.ts'
import { roomRoleError } from '../errors.ts'
import { type MemoryFile, writeMemoryFile } from '../inputs/memory-file.ts'
import { withPinnedModel } from './pinned-model.ts'
import type { Step } from './types.ts'

/** A file of a model, with its role. */
export type TrainModelFile = TrainFile & { readonly role: string }

/**
 * Files of the model that a task trains, in memory, where its process finds them.
 * @param engine that the model has to be for
 * @param made takes each file as soon as it is there: whoever gave it closes them
 * @throws `ROOM_TASK` for a model for another engine; `ROOM_INPUT`, `ROOM_FILES`
 */
export async function openModelFiles(
  step: Step,
  pinned: { model: Name; digest: Digest },
  engine: EngineName,
  made: MemoryFile[],
): Promise<readonly TrainModelFile[]> {
  return withPinnedModel(step, pinned, async (manifest, contents) => {
    if (manifest.engine !== engine)
      throw roomRoleError('ROOM_TASK', `this room cannot train ${pinned.model}`, {
        expected: `a model for ${engine}`,
        found: `a model for ${manifest.engine}`,
      })
    const files: TrainModelFile[] = []
    for (const entry of manifest.files) {
      const file = await writeMemoryFile(checked(entry, contents.get(entry.name)!))
      made.push(file)
      files.push({ name: entry.name, role: entry.role, fd: file.fd, bytes: file.bytes })
    }
    return files
  })
}

/** In pieces of its own: those that come are overwritten when the next one is asked for. */
async function* checked(
  { name, sha256 }: ModelFileEntry,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const piece of content) {
    hash.update(piece)
    yield piece.slice()
  }
  const found = hash.digest('hex')
  if (found !== sha256)
    throw roomRoleError('ROOM_INPUT', `${name} of a model is not the file that its manifest names`, {
      expected: sha256,
      found,
    })
}
