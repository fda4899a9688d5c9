import {
  CUSTODY_TYPES,
  recoveryReceiptDecoder,
  recoverySessionDecoder,
  rootSuccessionDecoder,
  shareAcknowledgementDecoder,
  shareSetDecoder,
} from '@sotto/protocol/custody'
import { entryType, type EntryType } from './entry-type.ts'

/** What the log says about root secrets: what replaces them, who has shares, who brought one back. */
export const CUSTODY_ENTRIES: readonly [string, EntryType][] = [
  [
    CUSTODY_TYPES.rootSuccession,
    entryType(
      'root succession',
      rootSuccessionDecoder,
      ({ sequence, rootKey }) => `number ${sequence}, to ${rootKey}`,
    ),
  ],
  [
    CUSTODY_TYPES.shareSet,
    entryType(
      'share set',
      shareSetDecoder,
      ({ generation, threshold, shares }) =>
        `generation ${generation}, ${threshold} of ${shares.map(({ custodian }) => custodian).join(', ')}`,
    ),
  ],
  [
    CUSTODY_TYPES.acknowledgement,
    entryType(
      'share acknowledgement',
      shareAcknowledgementDecoder,
      ({ generation, index }) => `share ${index} of generation ${generation}`,
    ),
  ],
  [
    CUSTODY_TYPES.recoverySession,
    entryType('recovery session', recoverySessionDecoder, ({ nonce }) => `session ${nonce}`),
  ],
  [
    CUSTODY_TYPES.recoveryReceipt,
    entryType(
      'recovery receipt',
      recoveryReceiptDecoder,
      ({ nonce, generation }) => `session ${nonce}, by shares of generation ${generation}`,
    ),
  ],
]
