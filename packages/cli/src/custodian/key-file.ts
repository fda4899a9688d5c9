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
import { cannotWritePrivate, createPrivateFile, readPrivateFile } from '../input/index.ts'

/** Two keys, and one share set of up to 64 KiB. */
const MAX_FILE_BYTES = 256 * 1024
const MAKES_ONE = 'sotto custodian new makes such a file'

/** A custodian's file and the keys in it. */
export interface OpenedCustodian {
  file: CustodianFile
  keys: CustodianKeys
}

/** Makes the file of a new custodian, whole, for its owner alone. An existing one is never replaced. @throws `CLI_FILE` */
export async function createCustodian(path: string): Promise<OpenedCustodian> {
  const file = createCustodianFile()
  await createPrivateFile(path, encode(file), 'a share nobody can open is lost')
  return { file, keys: openCustodianFile(file) }
}

/** Reads a custodian's file. @throws `CLI_FILE` unreadable, readable by others, or none */
export async function readCustodian(path: string): Promise<OpenedCustodian> {
  const text = await readPrivateFile(path, { maxBytes: MAX_FILE_BYTES, hint: MAKES_ONE })
  try {
    const file = custodianFileDecoder(parseStrictJson(text, { maxBytes: MAX_FILE_BYTES }), 'custodian file')
    return { file, keys: openCustodianFile(file) }
  } catch {
    // No cause: what stands in the file is a key, or may be one.
    throw cliError('CLI_FILE', `${path} is not a custodian's file`, { hint: MAKES_ONE })
  }
}

/** Keeps a copy of the share set beside the keys. @throws `CLI_FILE` */
export async function keepShareSet(
  path: string,
  { file }: OpenedCustodian,
  shareSet: LoggedStatement,
): Promise<void> {
  await writeWhole(path, encode({ ...file, shareSet })).catch((cause: unknown) => {
    throw cannotWritePrivate(path, cause)
  })
}

function encode(file: CustodianFile): string {
  return `${JSON.stringify(file)}\n`
}
