import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { clientError } from '../errors.ts'

/** Another user's file is read through a group of this process: how clusters mount secrets. */
const GROUP_READ = 0o040

/**
 * Reads a file of secrets: mode 0600 or less, and 0640 or less where it is the superuser's, as PostgreSQL reads its keys.
 * What is judged is what is read, whatever takes the name meanwhile.
 * @throws `PROXY_CONFIG` unreadable, no file, readable by others, or too large
 */
export async function readPrivateFile(path: string, maxBytes: number): Promise<string> {
  return readWith(path, maxBytes, ({ mode, uid }) => {
    const allowed = uid === 0 && process.getuid?.() !== 0 ? GROUP_READ : 0
    if ((mode & 0o077 & ~allowed) === 0) return
    throw clientError('PROXY_CONFIG', `others may read ${path}`, {
      expected: allowed === 0 ? 'mode 0600' : 'mode 0640 of the superuser',
      found: `mode ${(mode & 0o777).toString(8).padStart(4, '0')}`,
      hint: `chmod 600 ${path}`,
    })
  })
}

/** Reads a file that holds no secret. @throws `PROXY_CONFIG` unreadable, no file, or too large */
export async function readPublicFile(path: string, maxBytes: number): Promise<string> {
  return readWith(path, maxBytes, () => undefined)
}

async function readWith(
  path: string,
  maxBytes: number,
  judge: (about: { mode: number; uid: number }) => void,
): Promise<string> {
  let file: FileHandle | undefined
  try {
    // A pipe without a writer would never open.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const about = await file.stat()
    if (!about.isFile()) throw clientError('PROXY_CONFIG', `${path} is no file`)
    judge(about)
    if (about.size > maxBytes)
      throw clientError('PROXY_CONFIG', `${path} is too large to be such a file`, {
        expected: `at most ${maxBytes} bytes`,
        found: `${about.size} bytes`,
      })
    return await file.readFile('utf8')
  } catch (cause) {
    if (cause instanceof Error && 'action' in cause) throw cause
    const { code } = cause as NodeJS.ErrnoException
    throw clientError('PROXY_CONFIG', `cannot read ${path}`, {
      cause,
      ...(code !== undefined && { found: code }),
    })
  } finally {
    await file?.close()
  }
}
