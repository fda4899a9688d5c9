import type { Ed25519Key } from '@sotto/protocol/keyrelease'
import type { SpendContext, SpendRoster } from '@sotto/protocol/spending'

/** What a gateway says it was answered last. */
export interface Witnessed {
  context: SpendContext
  sequence: number
}

/** What a starting KMS may do about the context it finds. */
export type Resumption =
  /** Nothing is missing: the set knows whatever any gateway was ever told. */
  | 'continue'
  /** Something may be missing: only an empty set under another context is exact. */
  | 'begin'
  /** Gateways that may have been told more have not said so yet. */
  | 'wait'

/**
 * Whether a set read from a store, which its operator may have turned back, holds everything its context ever
 * answered (T12). The log says who may have been answered, and the last of what they were told only they can say.
 * @param roster the newest in the log, read to its end after this start was logged; undefined when there is none
 * @param stored what the store remembers
 * @param told by gateways that have left every earlier session for this one
 */
export function judgeResumption(
  roster: SpendRoster | undefined,
  stored: { context: SpendContext | undefined; durable: number },
  told: ReadonlyMap<Ed25519Key, Witnessed>,
): Resumption {
  if (roster === undefined || roster.context !== stored.context || stored.durable < roster.sequence)
    return 'begin'
  for (const { context, sequence } of told.values())
    if (context === roster.context && sequence > stored.durable) return 'begin'
  return roster.gateways.every((gateway) => told.has(gateway)) ? 'continue' : 'wait'
}
