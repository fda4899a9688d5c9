import { parseChallenges } from '@sotto/protocol/tokens'
import type { InnerRequest, InnerResponse } from '../transport/index.ts'
import type { TokenPool } from './pool.ts'

/** A pool and how its tokens are spent: loaded where tokens are asked for. */
export interface TokenSpending {
  readonly pool: TokenPool
  readonly withToken: typeof withToken
  readonly refusalOf: typeof refusalOf
}

/** The same request with a token. It is sealed with the rest: nobody outside the enclave sees that there is one. */
export function withToken(request: InnerRequest, authorization: string): InnerRequest {
  return { ...request, headers: [['authorization', authorization], ...request.headers] }
}

/**
 * What the gate of a gateway made of a token: it was not spent and stays good; it was spent before, by this very request
 * if somebody on the way passed it on twice; or it is void, and nothing could have been had for it.
 */
export type TokenRefusal = { type: 'unspent' } | { type: 'spent' | 'void'; challenge: Uint8Array }

/** The refusal an answer is; undefined for every other answer. */
export function refusalOf({ status, fields }: InnerResponse): TokenRefusal | undefined {
  const valueOf = (name: string): string | undefined => fields.find(([field]) => field === name)?.[1]
  if ((status === 429 || status === 503) && valueOf('sotto-token') === 'unspent') return { type: 'unspent' }
  const value = status === 401 ? valueOf('www-authenticate') : undefined
  if (value === undefined) return undefined
  try {
    const [offered] = parseChallenges(value)
    const type = valueOf('sotto-token') === 'spent' ? 'spent' : 'void'
    return offered && { type, challenge: offered.challenge }
  } catch {
    // Some other scheme's field, in an answer of the service itself.
    return undefined
  }
}
