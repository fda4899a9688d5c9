import type { Found } from './search.ts'
import type { Seen } from './seen.ts'

/** What the captures and the disks are held against. */
export interface Evidence {
  seen: Record<string, Seen>
  disk: { found: Found }
  /** Bytes the client sent through relay and gateway, at least. */
  sentBytes: number
}

/** The promises of ARCHITECTURE.md, "Who can read what", that these captures break; none when all hold. */
export function judge({ seen, disk, sentBytes }: Evidence): string[] {
  const violations: string[] = []
  for (const [party, { found, from, complete, receivedBytes }] of Object.entries(seen)) {
    for (const kind of kindsIn(found)) violations.push(`${kind} in clear on the sockets of ${party}`)
    // Identity: the gateway meets the relay and nobody else.
    if (party === 'gateway' && from.some((name) => name !== 'relay'))
      violations.push(`the gateway was reached by ${from.join(', ')}`)
    // A capture that missed what was sent would find nothing in clear, and prove nothing.
    const isPassed = party === 'relay' || party === 'gateway'
    if (!complete || (isPassed && receivedBytes < sentBytes))
      violations.push(`the captures of ${party} are not complete`)
  }
  for (const kind of kindsIn(disk.found)) violations.push(`${kind} in clear in a file of the stack`)
  return violations
}

/** Names of the kinds that were found. */
export function kindsIn(found: Found): string[] {
  return Object.entries(found)
    .filter(([, isFound]) => isFound)
    .map(([kind]) => kind)
}
