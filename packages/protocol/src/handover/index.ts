export {
  handedOverDecoder,
  handoverBindingDecoder,
  handoverReceiptDecoder,
  handoverRequestDecoder,
  handoverResponseDecoder,
  MAX_HANDED_OVER_BYTES,
  MAX_HANDOVER_ANSWER_BYTES,
} from './decode.ts'
export { bindHandover, handoverInfo } from './documents.ts'
export {
  HANDOVER_CONTEXTS,
  HANDOVER_RECEIPT_TYPE,
  type HandedKey,
  type HandedOver,
  type HandoverBinding,
  type HandoverReceipt,
  type HandoverRequest,
  type HandoverResponse,
} from './types.ts'
