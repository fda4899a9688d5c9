import { crypto } from '@sotto/protocol/crypto-backend'
import type { DsseSigner } from '@sotto/protocol/dsse'

/**
 * Makes the key of a boot that signs inference receipts once the KMS has certified it (T16): made at
 * start, in memory only, gone with the process.
 */
export function createReceiptKey(): DsseSigner {
  const { seed, publicKey } = crypto.ed25519.generate()
  return { secretSeed: seed, publicKey }
}
