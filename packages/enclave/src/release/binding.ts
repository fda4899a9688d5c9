import { toBase64Url } from '@sotto/protocol/bytes'
import type { EnclaveBinding } from '@sotto/protocol/keyrelease'

/** What the evidence of one release binds. Keys are public keys as bytes. */
export interface BoundParts {
  genesis: string
  wrapKey: Uint8Array
  receiptKey: Uint8Array
  /** `checkpointDigest` of the newest witnessed note. */
  checkpoint: string
}

/** The binding document of {@link BoundParts}. */
export function enclaveBinding({ genesis, wrapKey, receiptKey, checkpoint }: BoundParts): EnclaveBinding {
  return {
    version: 1,
    genesis,
    wrapKey: toBase64Url(wrapKey),
    receiptKey: toBase64Url(receiptKey),
    checkpoint,
  }
}
