import type { MemberKey } from '@sotto/protocol/keyrelease'
import { createRateLimiter, type RateLimiter } from '@sotto/serve/limits'

/** What one member may have written into the log: a burst, then one statement every ten seconds. */
const MEMBER_RATE = { capacity: 32, perSecond: 0.1 }

/** Limits of each member by himself: one of them cannot use up what the others need. */
export interface MemberRates {
  /** @throws `HTTP_TOO_MANY` */
  take(key: MemberKey): void
}

/** Only keys of members may be counted: there are at most a few dozen in the life of a KMS. */
export function createMemberRates(now?: () => number): MemberRates {
  const rates = new Map<MemberKey, RateLimiter>()
  return {
    take(key) {
      let rate = rates.get(key)
      if (rate === undefined) rates.set(key, (rate = createRateLimiter(MEMBER_RATE, now)))
      rate.take()
    },
  }
}
