import { parseChallenges } from '@sotto/protocol/tokens'
import type { InnerRequest, InnerResponse } from '../transport/index.ts'

/** The same request with a token. It is sealed with the rest: nobody outside the enclave sees that there is one. */
export function withToken(request: InnerRequest, authorization: string): InnerRequest {
  return { ...request, headers: [['authorization', authorization], ...request.headers] }
}

/** What the gate of a gateway made of a token. */
export type TokenRefusal = { type: 'void'; challenge: Uint8Array } | { type: 'unspent' }

/** The refusal an answer is; undefined for every other answer. */
export function refusalOf({ status, fields }: InnerResponse): TokenRefusal | undefined {
  const valueOf = (name: string): string | undefined => fields.find(([field]) => field === name)?.[1]
  if ((status === 429 || status === 503) && valueOf('sotto-token') === 'unspent') return { type: 'unspent' }
  const value = status === 401 ? valueOf('www-authenticate') : undefined
  if (value === undefined) return undefined
  try {
    const [offered] = parseChallenges(value)
    return offered && { type: 'void', challenge: offered.challenge }
  } catch {
    // Some other scheme's field, in an answer of the service itself.
    return undefined
  }
}
