import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { DsseSigner } from '@sotto/protocol/dsse'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, HpkeSuite, type KemPrivateKey } from '@sotto/protocol/hpke'
import type { EnclaveBinding } from '@sotto/protocol/keyrelease'

/** The suite keys are wrapped with (T5). */
export const WRAP_SUITE: HpkeSuite = new HpkeSuite(
  HPKE_KEM.X_WING,
  HPKE_KDF.HKDF_SHA256,
  HPKE_AEAD.AES_256_GCM,
)

/** Keys of this boot: made at start, in memory only, gone with the process. */
export interface BootKeys {
  /** Released keys are wrapped to it. */
  wrap: KemPrivateKey
  /** Signs inference receipts once the KMS has certified it (T16). */
  receipt: DsseSigner
}

/** Makes the keys of a boot. */
export function createBootKeys(): BootKeys {
  const { seed, publicKey } = crypto.ed25519.generate()
  return { wrap: WRAP_SUITE.kem.generate(), receipt: { secretSeed: seed, publicKey } }
}

/** What the evidence of this boot binds. */
export function enclaveBinding(keys: BootKeys, genesis: string, checkpoint: string): EnclaveBinding {
  return {
    version: 1,
    genesis,
    wrapKey: toBase64Url(keys.wrap.publicKey),
    receiptKey: toBase64Url(keys.receipt.publicKey),
    checkpoint,
  }
}
