import type { Name } from '@sotto/protocol/contract'
import type { DataMedia } from '@sotto/protocol/room'
import { roomRoleError } from '../errors.ts'
import { type MemoryFile, writeMemoryFile } from '../inputs/memory-file.ts'
import { encodeResult } from '../results.ts'
import type { Step } from './types.ts'

/** What code reads, beside itself. */
export interface CodeInput {
  name: Name
  /** A descriptor that only reads. */
  file: MemoryFile
  /** `one`: a file. Otherwise so many items, each behind its length. */
  items: 'one' | number
}

/**
 * Gives code what its step reads: inputs as they were sealed, and results of other steps as they would leave.
 * @param code name of the input that is run
 * @throws `ROOM_TASK` for a model; `ROOM_INPUT`, `ROOM_FILES`; what `use` throws
 */
export async function withCodeInputs<T>(
  { transform, inputs, results }: Step,
  code: Name,
  use: (read: CodeInput[]) => Promise<T>,
): Promise<T> {
  const made: MemoryFile[] = []
  const read: CodeInput[] = []
  try {
    for (const name of transform.reads) {
      if (name === code) continue
      const result = results.get(name)
      if (result !== undefined) {
        const file = await writeMemoryFile(once(encodeResult(result).slice()))
        made.push(file)
        read.push({ name, file, items: 'one' })
        continue
      }
      const { manifest, file } = await inputs.file(name)
      if (manifest.kind === 'model') throw roomRoleError('ROOM_TASK', `code reads ${name}, which is a model`)
      const isOne = manifest.kind === 'table' || manifest.kind === 'code'
      read.push({ name, file, items: isOne ? 'one' : manifest.items })
    }
    return await use(read)
  } finally {
    for (const file of made) file.close()
  }
}

/** The code of a step. @throws `ROOM_INPUT` where it is something else */
export async function codeOf({ inputs }: Step, name: Name, media: DataMedia): Promise<MemoryFile> {
  const { manifest, file } = await inputs.file(name)
  if (manifest.media === media) return file
  throw roomRoleError('ROOM_INPUT', `${name} is not what the contract runs`, {
    expected: media,
    found: manifest.media,
  })
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
