import type { UnixSeconds } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'

/** RFC 9458 key identifiers are one byte. */
export const KEY_IDS = 256

/** Which key identifiers may still be in somebody's hands. Stored with the keys themselves. */
export interface KeyIdAllocation {
  /** Where the search for a free one begins: the longest unused comes first. */
  next: number
  /** Per identifier given out: until when some cached key set may hold it. */
  busyUntil: Readonly<Record<string, UnixSeconds>>
}

/** Nothing given out yet. */
export const NO_KEY_IDS: KeyIdAllocation = { next: 0, busyUntil: {} }

/**
 * Takes `count` identifiers that nobody can still hold. They wrap around, but never onto one that
 * may be live: then it refuses instead.
 * @throws `KMS_KEY_IDS_EXHAUSTED`
 */
export function allocateKeyIds(
  allocation: KeyIdAllocation,
  count: number,
  now: UnixSeconds,
  busyUntil: UnixSeconds,
): { ids: number[]; allocation: KeyIdAllocation } {
  const ids: number[] = []
  for (let step = 0; step < KEY_IDS && ids.length < count; step++) {
    const id = (allocation.next + step) % KEY_IDS
    if ((allocation.busyUntil[id] ?? -1) < now) ids.push(id)
  }
  if (ids.length < count) {
    throw kmsError('KMS_KEY_IDS_EXHAUSTED', 'every key identifier may still be in use', {
      expected: `${count} free`,
      found: `${ids.length}`,
      hint: 'Wait until older keys have expired; rotate less often.',
    })
  }
  const busy: Record<string, UnixSeconds> = { ...allocation.busyUntil }
  for (const id of ids) busy[id] = busyUntil
  return { ids, allocation: { next: (ids.at(-1)! + 1) % KEY_IDS, busyUntil: busy } }
}

/** How many identifiers could be given out now. */
export function countFreeKeyIds(allocation: KeyIdAllocation, now: UnixSeconds): number {
  return KEY_IDS - Object.values(allocation.busyUntil).filter((until) => until >= now).length
}
