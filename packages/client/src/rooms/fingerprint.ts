import type { Party } from '@sotto/protocol/contract'
import { documentDigest } from '@sotto/protocol/keyrelease'

/** Hexadecimal digits that people compare: 128 bits, more than anybody finds a second key for. */
const DIGITS = 32

/**
 * What people compare of a party, by another channel than the room: a digest of both keys, the one that signs and the one
 * that results are sealed to. Eight groups of four digits.
 */
export function fingerprint({ key, sealTo }: Pick<Party, 'key' | 'sealTo'>): string {
  const digest = documentDigest({ format: 'sotto-room-fingerprint/1', key, sealTo })
  return digest.slice(0, DIGITS).match(/.{4}/g)!.join(' ')
}

/** Whether two are the same keys, whatever they are called. */
export function hasSameKeys(
  one: Pick<Party, 'key' | 'sealTo'> | undefined,
  other: Pick<Party, 'key' | 'sealTo'>,
): boolean {
  return one?.key === other.key && one.sealTo === other.sealTo
}
