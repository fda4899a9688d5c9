import { stat } from 'node:fs/promises'
import { cliError } from '../../errors.ts'
import { readBytes } from '../../evidence/index.ts'
import type { CommandContext } from '../../framework/index.ts'

/** A bundle of roots has some 200 KiB. */
const MAX_PEM_BYTES = 1_048_576

/** Text of a key or certificate file, or of standard input. @throws `CLI_FILE`, `CLI_STDIN` */
export async function readPem(io: CommandContext['io'], name: string): Promise<string> {
  return Buffer.from(await readBytes(io, name, MAX_PEM_BYTES)).toString('latin1')
}

/** @throws `MODEL_INVALID` for what is no folder */
export async function requireFolder(folder: string): Promise<void> {
  const isFolder = await stat(folder).then(
    (what) => what.isDirectory(),
    () => false,
  )
  if (!isFolder)
    throw cliError('MODEL_INVALID', `${folder} is no folder`, { hint: 'name the folder of a model' })
}
