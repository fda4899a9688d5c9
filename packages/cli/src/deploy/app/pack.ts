import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { encodeTarHeader, packTar, type TarFile } from '@sotto/protocol/tar'
import { cliError } from '../../errors.ts'

/** As much code as an enclave takes. */
export const MAX_CODE_BYTES: number = 512 * 2 ** 20
export const MAX_CODE_FILES = 20_000

/** What belongs to whoever writes the app, and to no app. */
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', '.sotto', '.DS_Store'])

/** The code of an app as one deterministic archive: the same folder has the same bytes, wherever and whenever. */
export interface PackedCode {
  tar: Uint8Array
  /** SHA-256 of `tar`: what a release names and a client pins. */
  sha256: string
  files: number
}

/**
 * Packs a folder of code, without `.git` and `.sotto`. Of modes only whether a file may be executed counts.
 * @throws `DEPLOY_APP` (fix-input) for a missing or empty folder, a link or special file, a name that no archive holds, or more
 * than an enclave takes
 */
export async function packCode(folder: string): Promise<PackedCode> {
  const files: TarFile[] = []
  let bytes = 0
  await collect('')
  if (files.length === 0)
    throw cliError('DEPLOY_APP', `there is no code in ${folder}`, { hint: 'put the files of the app there' })
  const tar = packTar(files)
  return { tar, sha256: toHex(crypto.sha256(tar)), files: files.length }

  async function collect(prefix: string): Promise<void> {
    const names = await readdir(join(folder, prefix)).catch(unreadable(join(folder, prefix)))
    for (const name of names.sort()) {
      if (LEFT_OUT.has(name)) continue
      const path = prefix === '' ? name : `${prefix}/${name}`
      requireName(path)
      const entry = await lstat(join(folder, path)).catch(unreadable(path))
      if (entry.isDirectory()) await collect(path)
      else if (entry.isFile()) await add(path, entry)
      else
        throw cliError('DEPLOY_APP', `${path} is neither a file nor a folder`, {
          expected: 'files and folders',
          found: entry.isSymbolicLink() ? 'a link' : 'a special file',
          hint: 'put the file itself there: what a link leads to would not be measured',
        })
    }
  }

  async function add(path: string, { mode, size }: { mode: number; size: number }): Promise<void> {
    // Before it is read, for it may be larger than memory; and after, for it may have grown.
    if (files.length >= MAX_CODE_FILES || bytes + size > MAX_CODE_BYTES) throw tooMuch(folder)
    const content = new Uint8Array(await readFile(join(folder, path)).catch(unreadable(path)))
    bytes += content.length
    if (bytes > MAX_CODE_BYTES) throw tooMuch(folder)
    files.push({ path, mode: mode & 0o100 ? 0o755 : 0o644, bytes: content })
  }
}

/** An archive holds no other names, and says of none which it was. */
function requireName(path: string): void {
  try {
    encodeTarHeader({ path, mode: 0o644, size: 0 })
  } catch (cause) {
    throw cliError(
      'DEPLOY_APP',
      `${JSON.stringify(path.slice(0, 256))} is a name that an archive cannot hold`,
      {
        cause,
        expected: 'printable ASCII, at most 255 characters with its folders',
        hint: 'rename it, or leave it out of the folder of the code',
      },
    )
  }
}

function unreadable(path: string): (cause: unknown) => never {
  return (cause) => {
    const { code } = cause as NodeJS.ErrnoException
    throw cliError('DEPLOY_APP', `cannot read the code in ${path}`, {
      cause,
      ...(code !== undefined && { found: code }),
      hint: 'app.code in sotto.yaml names the folder',
    })
  }
}

function tooMuch(folder: string): Error {
  return cliError('DEPLOY_APP', `the code in ${folder} is more than an enclave takes`, {
    expected: `at most ${MAX_CODE_FILES} files and ${MAX_CODE_BYTES / 2 ** 20} MiB`,
    hint: 'leave out what the app does not need to run',
  })
}
