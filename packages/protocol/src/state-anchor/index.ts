import { type Decoder, hex, integer, literal, object } from '../jcs/index.ts'
import type { Digest } from '../keyrelease/types.ts'

/** DSSE payload type of a state anchor. */
export const STATE_ANCHOR_TYPE = 'application/vnd.sotto.state-anchor+json'

/**
 * "The durable state of this KMS is at least here": logged, signed with the statement key, before a change is
 * acknowledged that the log would not show otherwise, such as an owner's import of a content key (T11).
 */
export interface StateAnchor {
  version: 1
  genesis: Digest
  /** One more than the anchor before; the first is 1. */
  sequence: number
  /** Salted digest of the state; the salt is known to the KMS alone. */
  digest: Digest
}

/** Decodes a {@link StateAnchor}. @throws `JCS_FIELD` */
export const stateAnchorDecoder: Decoder<StateAnchor> = object({
  version: literal(1),
  genesis: hex(32),
  sequence: integer(1),
  digest: hex(32),
})
