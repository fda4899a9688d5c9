import type { MemberKey } from '@sotto/protocol/keyrelease'
import { createRateLimiter, type RateLimiter } from '@sotto/serve/limits'

/** What one member may have written into the log: a burst, then one statement every ten seconds. */
const MEMBER_RATE = { capacity: 32, perSecond: 0.1 }

/** Limits of each member by himself: one of them cannot use up what the others need. */
export interface MemberRates {
  /** @throws `HTTP_TOO_MANY` */
  take(key: MemberKey): void
}

/** Only keys that members admitted may be counted, or theirs: there are a few hundred in the life of a KMS. */
export function createMemberRates(now?: () => number, rate = MEMBER_RATE): MemberRates {
  const rates = new Map<MemberKey, RateLimiter>()
  return {
    take(key) {
      let own = rates.get(key)
      if (own === undefined) rates.set(key, (own = createRateLimiter(rate, now)))
      own.take()
    },
  }
}
