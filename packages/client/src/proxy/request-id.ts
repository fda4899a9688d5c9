import { randomUUID } from 'node:crypto'

const FIELD = 'x-request-id'

/**
 * Every answer has an `x-request-id`, as SDKs show it to people: the enclave's own, or one drawn here for what
 * the proxy answers. It is random, kept nowhere and sent nowhere else, so it links nothing to anybody.
 */
export function withRequestId(response: Response): Response {
  if (!response.headers.has(FIELD)) response.headers.set(FIELD, `req_${randomUUID().replaceAll('-', '')}`)
  return response
}
