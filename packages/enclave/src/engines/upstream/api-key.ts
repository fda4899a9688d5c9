import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { engineError } from '../errors.ts'

const MAX_FILE_BYTES = 4096
const KEY = /^[\x21-\x7e]{1,1024}$/
const OTHERS = 0o077

/**
 * Reads the secret that a model server wants (`Authorization: Bearer`): one line of 1-1024 printable characters. The
 * configuration names its file, because the configuration itself is public. Nobody else may own or read it: engines run models
 * of strangers on the same file system. Neither the key nor anything of it is in an error.
 * @throws `ENGINE_LOAD_FAILED`
 */
export function readApiKey(path: string): string {
  let text: string
  try {
    // A FIFO without a writer would otherwise stop the whole process here.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = fstatSync(file)
      if (!stat.isFile() || (stat.mode & OTHERS) !== 0)
        throw refused(
          'a file that its owner alone may read',
          stat.isFile() ? octal(stat.mode) : 'no plain file',
        )
      if (stat.uid !== process.geteuid?.()) throw refused('a file of this process', 'one of another user')
      const bytes = Buffer.alloc(MAX_FILE_BYTES + 1)
      text = bytes.toString('latin1', 0, readSync(file, bytes))
      bytes.fill(0)
    } finally {
      closeSync(file)
    }
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ENGINE_LOAD_FAILED') throw cause
    throw refused('a file', (cause as { code?: string }).code ?? 'nothing')
  }
  const key = text.replace(/\r?\n$/, '')
  if (!KEY.test(key)) throw refused('one line of 1-1024 printable characters', 'something else')
  return key
}

function refused(expected: string, found: string): Error {
  return engineError('ENGINE_LOAD_FAILED', 'the key file of a model server cannot be used', {
    expected,
    found,
    hint: 'write the key alone into a file of mode 600 that belongs to the enclave',
  })
}

function octal(mode: number): string {
  return `mode ${(mode & 0o777).toString(8)}`
}
