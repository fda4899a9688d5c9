export {
  MAX_SPEND_ENTRIES,
  MAX_SPEND_GATEWAYS,
  NO_CONTEXT,
  SPENDING_TYPES,
  type SpendAdmission,
  type SpendAnswer,
  type SpendContext,
  type SpendEntry,
  type SpendJoin,
  type SpendMessage,
  type SpendOffer,
  type SpendRequest,
  type SpendRoster,
  type SpendSession,
} from './types.ts'
export {
  spendAdmissionDecoder,
  spendAnswerDecoder,
  spendEnvelope,
  spendJoinDecoder,
  spendOfferDecoder,
  spendRequestDecoder,
  spendRosterDecoder,
} from './decode.ts'
export { decodeMask, encodeMask } from './mask.ts'
export { MAX_SPENT_ENTRIES, SPENT_ID_BYTES, SpentBook, type SpentIds } from './book.ts'
