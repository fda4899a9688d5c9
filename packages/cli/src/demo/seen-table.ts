import { formatBytes } from '../terminal/index.ts'
import type { SecretKind } from './secrets.ts'
import type { Seen } from './seen.ts'

const COLUMNS: readonly [SecretKind, title: string][] = [
  ['request', 'request'],
  ['answer', 'answer'],
  ['inner', 'inner path'],
  ['client', 'client headers'],
  ['weights', 'weights'],
]

/** What each party received, as lines for people. */
export function formatSeen(seen: Record<string, Seen>): string[] {
  const parties = Object.entries(seen)
  const list = (names: readonly string[]): string => names.join(', ') || '-'
  const width = Math.max(...parties.map(([, { from }]) => list(from).length), 'connected from'.length)
  const line = (cells: string[], from: string, to: string): string =>
    [...cells, ` ${from.padEnd(width)}`, to].join('  ').trimEnd()
  return [
    line(
      ['party'.padEnd(9), 'received'.padStart(10), 'sent'.padStart(10), ...COLUMNS.map(([, title]) => title)],
      'connected from',
      'connects to',
    ),
    ...parties.map(([party, { receivedBytes, sentBytes, found, from, to }]) =>
      line(
        [
          party.padEnd(9),
          formatBytes(receivedBytes).padStart(10),
          formatBytes(sentBytes).padStart(10),
          ...COLUMNS.map(([kind, title]) => (found[kind] ? 'YES' : 'no').padEnd(title.length)),
        ],
        list(from),
        list(to),
      ),
    ),
  ]
}
