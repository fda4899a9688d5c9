import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { encodeChallenge } from '@sotto/protocol/tokens'
import { INNER_AUTHORITY } from '../target.ts'

const CONTEXT_LABEL: Uint8Array = utf8('sotto-redemption-context-v1\0')

/**
 * The one challenge of a gateway, the same for every client: its issuer, its name inside the encryption, and as
 * redemption context the hash of its spend context. When the memory of spent tokens is lost, the context changes,
 * and with it every token that could be spent again is void.
 */
export function gatewayChallenge(issuerName: string, spendContext: Uint8Array): Uint8Array {
  return encodeChallenge({
    issuerName,
    redemptionContext: crypto.sha256(CONTEXT_LABEL, spendContext),
    originInfo: INNER_AUTHORITY,
  })
}
