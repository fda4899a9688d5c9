import { toBase64Url } from '@sotto/protocol/bytes'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, HpkeSuite } from '@sotto/protocol/hpke'
import type { EnclaveBinding } from '@sotto/protocol/keyrelease'

/** The suite keys are wrapped with (T5). */
export const WRAP_SUITE: HpkeSuite = new HpkeSuite(
  HPKE_KEM.X_WING,
  HPKE_KDF.HKDF_SHA256,
  HPKE_AEAD.AES_256_GCM,
)

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
