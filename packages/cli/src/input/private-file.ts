import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeNew } from '@sotto/client/node'
import { cliError } from '../errors.ts'

/** What a file of secrets is, and what to do where there is none. */
export interface PrivateFile {
  maxBytes: number
  hint: string
}

/** Reads a file of secrets. @throws `CLI_FILE` unreadable, readable by others, or too large */
export async function readPrivateFile(path: string, { maxBytes, hint }: PrivateFile): Promise<string> {
  const { mode, size } = await stat(path).catch(unreadable)
  if ((mode & 0o077) !== 0)
    throw cliError('CLI_FILE', `others may read ${path}`, {
      expected: 'mode 0600',
      found: `mode ${(mode & 0o777).toString(8).padStart(4, '0')}`,
      hint: `chmod 600 ${path}`,
    })
  if (size > maxBytes)
    throw cliError('CLI_FILE', `${path} is too large to be such a file`, {
      expected: `at most ${maxBytes} bytes`,
      hint,
    })
  return readFile(path, 'utf8').catch(unreadable)

  function unreadable(cause: unknown): never {
    throw cliError('CLI_FILE', `cannot read ${path}`, { cause, hint })
  }
}

/**
 * Writes secrets to a new file, whole, for its owner alone. An existing file is never replaced.
 * @param loss why it is not: what would be lost with it
 * @throws `CLI_FILE`
 */
export async function createPrivateFile(path: string, text: string, loss: string): Promise<void> {
  try {
    await writeNew(path, text)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      throw cliError('CLI_FILE', `${path} exists already`, { hint: `name another file: ${loss}`, cause })
    throw cannotWritePrivate(path, cause)
  }
}

/** What the file system says of a file of secrets. */
export function cannotWritePrivate(path: string, cause: unknown): Error {
  return cliError('CLI_FILE', `cannot write ${path}`, {
    cause,
    hint: `is ${dirname(path)} a folder of yours?`,
  })
}
