import type { Sotto } from '../types.ts'
import { envelope } from './errors.ts'

type Told = Pick<Sotto, 'trust' | 'receipts'>

const ROUTES: Readonly<Record<string, ((sotto: Told, isShared: boolean) => Response) | undefined>> = {
  __proto__: null as never,
  '/healthz': () => json({ status: 'ok' }),
  '/sotto/trust': (sotto) => json(sotto.trust),
  // A receipt comes with the salt of its digests: whoever has it can try out what somebody else asked.
  '/sotto/receipts': (sotto, isShared) => (isShared ? pooled() : receiptsOf(sotto)),
}

/** Whether the proxy itself answers here. */
export function isLocalPath(pathname: string): boolean {
  return ROUTES[pathname] !== undefined
}

/**
 * What the proxy itself answers; undefined where it does not.
 *
 * @param isShared whether callers are different people
 */
export function answerLocally(request: Request, sotto: Told, isShared: boolean): Response | undefined {
  const answer = ROUTES[new URL(request.url).pathname]
  if (answer === undefined) return undefined
  return request.method === 'GET' ? answer(sotto, isShared) : notAllowed()
}

/** 405. */
export function notAllowed(): Response {
  return envelope(405, 'method_not_allowed', 'this method is not allowed here', 'fix-input')
}

function receiptsOf(sotto: Told): Response {
  return json({
    receipts: sotto.receipts.map((record) =>
      record.status === 'verified'
        ? record
        : { status: record.status, error: { code: record.error.code, message: record.error.message } },
    ),
  })
}

function pooled(): Response {
  const message = 'receipts of this proxy are of all its users, and none of theirs is shown to another'
  return envelope(403, 'sotto_receipts_pooled', message, 'fix-input')
}

function json(value: unknown): Response {
  return new Response(JSON.stringify(value), {
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}
