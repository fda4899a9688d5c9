import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeNew } from '@sotto/client/node'
import { equalBytes } from '@sotto/protocol/bytes'
import { cliError } from '../errors.ts'
import { cannotWritePrivate } from '../input/index.ts'
import { makePrivateFolder } from './rooms-folder.ts'

/** Where something was written. */
export interface WrittenFile {
  file: string
  /** Whether it was there already, byte for byte. */
  isSame: boolean
}

/**
 * Writes content for this user alone: folder 0700 where it is new, file 0600. What is there already stays, and counts as
 * written where it is the same.
 * @throws `CLI_FILE` something else is there
 */
export async function writePrivate(folder: string, name: string, content: Uint8Array): Promise<WrittenFile> {
  await makePrivateFolder(folder)
  return writeOnce(join(folder, name), content, 'move it away, or choose another folder with --out')
}

/**
 * As {@link writePrivate}, into a folder that is there.
 * @param hint what to do where something else is there
 * @throws `CLI_FILE`
 */
export async function writeOnce(file: string, content: Uint8Array, hint: string): Promise<WrittenFile> {
  try {
    await writeNew(file, content)
    return { file, isSame: false }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWritePrivate(file, cause)
    if (await holds(file, content)) return { file, isSame: true }
    throw cliError('CLI_FILE', `${file} is there already, and is something else`, {
      hint,
      cause,
    })
  }
}

/** Whether a file is exactly this. What a link leads to is somebody else's. */
async function holds(file: string, content: Uint8Array): Promise<boolean> {
  const about = await lstat(file).catch(() => undefined)
  if (!about?.isFile() || about.size !== content.length) return false
  const found = await readFile(file).catch(() => undefined)
  return found !== undefined && equalBytes(found, content)
}
