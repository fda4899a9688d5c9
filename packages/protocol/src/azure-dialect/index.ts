export {
  AZURE_PAYLOAD_TYPES,
  type AzureRelease,
  azureReleaseDecoder,
  type AzureService,
  azureServiceDecoder,
} from './documents.ts'
export { azureError, type AzureDialectErrorCode } from './errors.ts'
export { encodeLeb128, Leb128Reader } from './leb128.ts'
export { type AzurePublishedKey, encodeKeyList, parseKeyList, parsePublishedKeys } from './published-keys.ts'
export {
  type CcfProofStep,
  type CcfReceipt,
  commitEvidenceOf,
  leafPreimage,
  parseCcfReceipt,
  rootPreimage,
  verifyCcfReceipt,
} from './receipt.ts'
export { buildReceiptTree, type ReceiptTree } from './receipt-tree.ts'
export { type AzureReleasedKey, encodeReleasedKey, parseReleasedKey } from './released-key.ts'
export { AzureResponseOpener, type AzureResponseLimits } from './response-opener.ts'
export { AZURE_CHUNK_BYTES, AzureResponseSealer } from './response-sealer.ts'
