import { toHex } from '@sotto/protocol/bytes'
import { Refusal, Skip } from '../checks/index.ts'

/** A field of a body and the values that a policy accepts; undefined accepts any. */
export type AllowList = readonly [field: string, accepted: readonly string[] | undefined, bytes: Uint8Array]

/**
 * Compares fields with the lists of a policy. Every field that is wrong is named.
 *
 * @throws Skip when the policy has no list
 */
export function requireAllowed(lists: readonly AllowList[]): { found: string } {
  const asked = lists.filter(([, accepted]) => accepted !== undefined)
  if (asked.length === 0) throw new Skip('the policy names no measurement')
  const wrong = asked.filter(([, accepted, bytes]) => !accepted!.includes(toHex(bytes)))
  if (wrong.length > 0)
    throw new Refusal(
      `${wrong.map(([field]) => field).join(', ')} not accepted`,
      wrong.map(([field, accepted]) => `${field} ${accepted!.join(' or ')}`).join('; '),
      wrong.map(([field, , bytes]) => `${field} ${toHex(bytes)}`).join('; '),
    )
  return { found: asked.map(([field]) => field).join(', ') }
}
