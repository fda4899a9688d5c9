import type { ModelOwner } from '@sotto/client'
import type { TrustPolicy } from '@sotto/verifier'
import { callJson } from '../../stack/http.ts'
import { type SealedContent, signKeyImport } from '../../stack/models.ts'
import { verifyKms } from '../../stack/verify-kms.ts'

/** Content keys, and the KMS that is to have them. */
export interface KeysToImport {
  kmsUrl: string
  logUrl: string
  policy: TrustPolicy
  contents: readonly SealedContent[]
  /** Whom its members admitted. */
  owner: ModelOwner
  /** Unix seconds. */
  now: number
}

/**
 * Verifies a KMS as any client would, and gives it keys, wrapped to it. Keys are forgotten here afterwards.
 * @throws `VERIFY_REFUSED` (stop), and the KMS's own codes: `KMS_OWNER_UNKNOWN` for an owner nobody admitted
 */
export async function importKeys(keys: KeysToImport): Promise<void> {
  const { kmsUrl, logUrl, policy, contents, owner, now } = keys
  try {
    const service = await verifyKms(kmsUrl, logUrl, policy, now)
    const { secretSeed: seed, publicKey } = owner.signer
    for (const content of contents) {
      const body = signKeyImport(content, service, { seed, publicKey }) as Uint8Array<ArrayBuffer>
      await callJson(`${kmsUrl}/v1/artifacts/${content.id}/key`, { method: 'POST', body })
    }
  } finally {
    for (const { contentKey } of contents) contentKey.fill(0)
  }
}
