import { HPKE_KEM } from '@sotto/protocol/hpke'
import type { HeldKey } from '../gateway/index.ts'

/** Whether a key is one that clients of the dialect use: P-384, for which nothing else here ever asks. */
export function isAzureKey({ key }: HeldKey): boolean {
  return key.config.kemId === HPKE_KEM.DHKEM_P384
}
