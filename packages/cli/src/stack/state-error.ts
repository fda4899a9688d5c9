import { SottoError } from '@sotto/protocol/errors'
import { cliError } from '../errors.ts'

const FULL: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT'])
// Making folders below a read-only mount is answered with ENOENT on some file systems.
const FORBIDDEN: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR'])

/**
 * What a failed write below a stack's folder means to people; every other error as it is.
 * @returns `STACK_DISK_FULL` (retry) or `STACK_FOLDER` (fix-input) for errors of the file system
 */
export function describeStateError(error: unknown, folder: string): unknown {
  if (error instanceof SottoError || !(error instanceof Error)) return error
  const { code, path } = error as NodeJS.ErrnoException
  if (FULL.has(code)) {
    return cliError('STACK_DISK_FULL', `no space left for the stack in ${folder}`, {
      hint: 'free some space (a stack needs about 50 MB, on another disk than Sotto itself 200 MB more) and run the command again; what it kept is whole',
      cause: error,
    })
  }
  // A missing file elsewhere is our own mistake, not the folder's.
  if (!FORBIDDEN.has(code) || path?.startsWith(folder) !== true) return error
  return cliError('STACK_FOLDER', `cannot write in ${folder}`, {
    found: code!,
    hint: 'run the command in a folder that you may write to',
    cause: error,
  })
}

/**
 * A KMS whose store another build of it sealed: on a laptop the way out is a new stack, and only its owner
 * may decide to lose the old one's keys. Every other error as it is.
 */
export function describeSealedStore(error: unknown, folder: string): unknown {
  if (!(error instanceof SottoError) || error.found?.includes('KMS_STORE_SEALED') !== true) return error
  return cliError('ROLE_FAILED', 'the KMS was built anew, and its keys open for the old build only', {
    found: error.found,
    hint: `remove ${folder} and run the command again to start with a new KMS (receipts of the old one stay valid)`,
    cause: error,
  })
}
