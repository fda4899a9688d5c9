import { utf8 } from '../bytes/index.ts'
import {
  areDistinct,
  base64url,
  boolean,
  type Decoder,
  hex,
  integer,
  list,
  literal,
  object,
  refine,
  text,
} from '../jcs/index.ts'
import { MAX_ENVELOPE_CHARACTERS } from '../keyrelease/decode.ts'
import { loggedStatementDecoder } from '../keyrelease/index.ts'
import {
  MAX_SPEND_ENTRIES,
  MAX_SPEND_GATEWAYS,
  type SpendAdmission,
  type SpendAnswer,
  type SpendEntry,
  type SpendJoin,
  type SpendMessage,
  type SpendOffer,
  type SpendRequest,
  type SpendRoster,
} from './types.ts'

const digest = hex(32)
const key = base64url(32)
const sequence = integer(0)

export const spendOfferDecoder: Decoder<SpendOffer> = object({
  version: literal(1),
  genesis: digest,
  session: digest,
})

export const spendJoinDecoder: Decoder<SpendJoin> = object({
  version: literal(1),
  genesis: digest,
  session: digest,
  gateway: key,
  receipt: loggedStatementDecoder,
  context: digest,
  sequence,
  leaves: boolean(),
})

export const spendAdmissionDecoder: Decoder<SpendAdmission> = object({
  version: literal(1),
  genesis: digest,
  session: digest,
  request: digest,
  context: digest,
  sequence,
})

const entry: Decoder<SpendEntry> = object({ nonce: key, keyId: key, expiresAt: integer(0) })

export const spendRequestDecoder: Decoder<SpendRequest> = object({
  version: literal(1),
  genesis: digest,
  session: digest,
  context: digest,
  gateway: key,
  counter: integer(1),
  entries: list(entry, 1, MAX_SPEND_ENTRIES),
})

export const spendAnswerDecoder: Decoder<SpendAnswer> = object({
  version: literal(1),
  genesis: digest,
  session: digest,
  context: digest,
  request: digest,
  sequence: integer(1),
  spent: base64url(1, MAX_SPEND_ENTRIES / 8),
})

export const spendRosterDecoder: Decoder<SpendRoster> = refine(
  object({
    version: literal(1),
    genesis: digest,
    session: digest,
    context: digest,
    sequence,
    gateways: list(key, 0, MAX_SPEND_GATEWAYS),
  }),
  ({ gateways }) => {
    if (!areDistinct(gateways)) return 'a gateway stands twice'
    const isInOrder = gateways.every((name, index) => index === 0 || gateways[index - 1]! < name)
    return isInOrder ? undefined : 'the gateways are not in order'
  },
)

const message: Decoder<SpendMessage> = object({ envelope: text(MAX_ENVELOPE_CHARACTERS) })

/** The envelope's bytes in the body of a request or an answer. @throws `JCS_FIELD` */
export function spendEnvelope(value: unknown): Uint8Array {
  return utf8(message(value, 'body').envelope)
}
