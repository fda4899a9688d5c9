import { resolve } from 'node:path'
import type { SottoError } from '@sotto/protocol/errors'
import type { CommandContext } from '../framework/index.ts'
import { readNote, STATE_FOLDER, troubleOf } from '../stack/running.ts'

/** Errors that a missing part of the stack causes. */
const SYMPTOMS: ReadonlySet<string> = new Set([
  'BUNDLE_UNREACHABLE',
  'RELAY_UNREACHABLE',
  'RELAY_REFUSED',
  'RESPONSE_TRUNCATED',
  'RECEIPT_UNPROVEN',
  'VERIFY_REFUSED',
  'CLI_PENDING',
  'CLI_SERVICE',
])

/** What is wrong with the stack of the working directory and what to do, in one line; undefined when nothing is. */
export async function stackTrouble(context: CommandContext): Promise<string | undefined> {
  const note = await readNote(resolve(context.io.cwd, STATE_FOLDER))
  if (note === undefined) return undefined
  const trouble = troubleOf(note)
  return trouble && `${trouble.what}; ${trouble.hint}`
}

/** Explains failures of a command that talks to the local stack by what has ended of it. */
export function adviseByStack(context: CommandContext): void {
  context.onFailure(async (error: SottoError) => {
    if (!SYMPTOMS.has(error.code)) return undefined
    const trouble = await stackTrouble(context)
    // Why a verification was refused must be read whatever else is wrong.
    return error.code === 'VERIFY_REFUSED' && error.hint !== undefined && trouble !== undefined
      ? `${error.hint}; ${trouble}`
      : trouble
  })
}
