import { readFile, stat } from 'node:fs/promises'
import type { KeyReleasePolicy } from '@sotto/protocol/keyrelease'
import { cliError } from '../errors.ts'
import { readKeyReleasePolicy } from '../governance/index.ts'

/** Where `sotto models seal --policy` leaves the policy for `push`. */
export function policyBeside(sealed: string): string {
  return `${sealed}.policy.json`
}

/** A policy for no deployment in particular: what is sealed may not have one yet. */
export const NO_GENESIS: string = '0'.repeat(64)

/**
 * The owner's key-release policy in a file. Where it does not say when it was made, that is when the file was: the
 * same file is the same policy at every push.
 * @throws `CLI_FILE`, `CLI_CONFIG`
 */
export async function readReleasePolicy(path: string, genesis: string): Promise<KeyReleasePolicy> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    return readKeyReleasePolicy({ label: path, text }, genesis, Math.floor(mtimeMs / 1000))
  } catch (cause) {
    if (cause instanceof Error && 'action' in cause) throw cause
    throw cliError('CLI_FILE', `cannot read ${path}`, { cause })
  }
}
