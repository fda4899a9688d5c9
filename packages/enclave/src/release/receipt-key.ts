import { crypto } from '@sotto/protocol/crypto-backend'
import { type PreparedSigner, prepareSigner } from '@sotto/protocol/dsse'

/**
 * Makes the key of a boot that signs inference receipts once the KMS has certified it (T16): made at
 * start, in memory only, gone with the process.
 */
export function createReceiptKey(): PreparedSigner {
  const { seed, publicKey } = crypto.ed25519.generate()
  const signer = prepareSigner({ secretSeed: seed, publicKey })
  seed.fill(0)
  return signer
}
