import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeWhole } from '@sotto/client/node'
import {
  createCustodianFile,
  type CustodianFile,
  custodianFileDecoder,
  type CustodianKeys,
  openCustodianFile,
} from '@sotto/protocol/custody'
import { parseStrictJson } from '@sotto/protocol/jcs'
import type { LoggedStatement } from '@sotto/protocol/keyrelease'
import { cliError } from '../errors.ts'

/** Two keys, and one share set of up to 64 KiB. */
const MAX_FILE_BYTES = 256 * 1024

/** A custodian's file and the keys in it. */
export interface OpenedCustodian {
  file: CustodianFile
  keys: CustodianKeys
}

/** Makes the file of a new custodian, whole, for its owner alone. An existing one is never replaced. @throws `CLI_FILE` */
export async function createCustodian(path: string): Promise<OpenedCustodian> {
  if (await stat(path).catch(() => undefined)) {
    throw cliError('CLI_FILE', `${path} exists already`, {
      hint: 'name another file: a share nobody can open is lost',
    })
  }
  const file = createCustodianFile()
  await write(path, file)
  return { file, keys: openCustodianFile(file) }
}

/** Reads a custodian's file. @throws `CLI_FILE` unreadable, readable by others, or none */
export async function readCustodian(path: string): Promise<OpenedCustodian> {
  let text: string
  try {
    const { mode, size } = await stat(path)
    if ((mode & 0o077) !== 0)
      throw cliError('CLI_FILE', `others may read ${path}`, {
        expected: 'mode 0600',
        found: `mode ${(mode & 0o777).toString(8).padStart(4, '0')}`,
        hint: `chmod 600 ${path}`,
      })
    if (size > MAX_FILE_BYTES) throw new Error('the file is too long')
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'CLI_FILE') throw cause
    throw cliError('CLI_FILE', `cannot read ${path}`, {
      cause,
      hint: 'sotto custodian new makes such a file',
    })
  }
  try {
    const file = custodianFileDecoder(parseStrictJson(text, { maxBytes: MAX_FILE_BYTES }), 'custodian file')
    return { file, keys: openCustodianFile(file) }
  } catch {
    // No cause: what stands in the file is a key, or may be one.
    throw cliError('CLI_FILE', `${path} is not a custodian's file`, {
      hint: 'sotto custodian new makes such a file',
    })
  }
}

/** Keeps a copy of the share set beside the keys. @throws `CLI_FILE` */
export async function keepShareSet(
  path: string,
  { file }: OpenedCustodian,
  shareSet: LoggedStatement,
): Promise<void> {
  await write(path, { ...file, shareSet })
}

async function write(path: string, file: CustodianFile): Promise<void> {
  await writeWhole(path, `${JSON.stringify(file)}\n`).catch((cause: unknown) => {
    throw cliError('CLI_FILE', `cannot write ${path}`, {
      cause,
      hint: `is ${dirname(path)} a folder of yours?`,
    })
  })
}
