import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  type Decoder,
  integer,
  label,
  members,
  object,
  oneOf,
  parseStrictJson,
  partial,
} from '@sotto/protocol/jcs'
import { type App, mapErrors, serveError } from '@sotto/serve/errors'
import { readBody } from '@sotto/serve/limits'
import { Hono } from 'hono'
import { EDGE_STATUSES, edgeError } from '../errors.ts'
import type { Account, Accounts } from './accounts.ts'
import type { Charges } from './charges.ts'
import { PERIODS } from './periods.ts'

/** What the issuer's admin interface is made of. */
export interface AdminAppOptions {
  accounts: Accounts
  charges: Pick<Charges, 'usage'>
  /** Classes tokens are issued of. */
  classes: readonly string[]
  /** Throws unless the request carries the admin token. */
  authorize: (request: Request) => void
  onError?: (code: string) => void
}

const MAX_BODY_BYTES = 4096
/** Longest time an old key goes on after rotation: 90 days. */
const MAX_GRACE_SECONDS = 7_776_000
const MAX_QUOTA = 1_000_000_000

const accountBody = object<{ name: string }>({ name: label(128) })
const keyBody = partial<{ notAfter?: number }>({ notAfter: integer(1) })
const rotateBody = members<{ graceSeconds?: number }>({}, { graceSeconds: integer(0, MAX_GRACE_SECONDS) })
const quotaBody = object({ tokens: integer(0, MAX_QUOTA), period: oneOf(...PERIODS) })

/** Accounts, API keys, quotas and usage, for the operator: on its own listener, with its own token. */
export function createAdminApp(options: AdminAppOptions): App {
  const { accounts, charges, classes } = options
  const describe = (account: Account): object => ({
    ...account,
    keys: accounts.keys(account.id),
    quotas: accounts.quotas(account.id),
  })
  const app = new Hono()
  app.use(async (c, next) => {
    options.authorize(c.req.raw)
    await next()
  })
  app.get('/v1/accounts', () => answer({ accounts: accounts.list().map(describe) }))
  app.post('/v1/accounts', async (c) => {
    const { name } = await readJson(c.req.raw, accountBody)
    return answer(accounts.create(name), 201)
  })
  app.get('/v1/accounts/:id', (c) => answer(describe(accounts.find(c.req.param('id')))))
  app.post('/v1/accounts/:id/keys', async (c) => {
    const { notAfter } = await readJson(c.req.raw, keyBody)
    return answer(accounts.addKey(accounts.find(c.req.param('id')).id, notAfter ?? null), 201)
  })
  app.post('/v1/accounts/:id/keys/:key/rotate', async (c) => {
    const { graceSeconds } = await readJson(c.req.raw, rotateBody)
    return answer(accounts.rotateKey(c.req.param('id'), c.req.param('key'), graceSeconds ?? 0), 201)
  })
  app.delete('/v1/accounts/:id/keys/:key', (c) => {
    accounts.revokeKey(c.req.param('id'), c.req.param('key'))
    return answer({ revoked: c.req.param('key') })
  })
  app.put('/v1/accounts/:id/quotas/:class', async (c) => {
    const name = c.req.param('class')
    if (!classes.includes(name)) throw edgeError('ISSUER_ACCOUNT', 'no tokens of such a class are issued')
    const quota = { class: name, ...(await readJson(c.req.raw, quotaBody)) }
    accounts.setQuota(c.req.param('id'), quota)
    return answer(quota)
  })
  app.get('/v1/usage', (c) => answer({ usage: charges.usage(c.req.query('account')) }))
  app.notFound(() => {
    throw serveError('HTTP_NOT_FOUND', 'the issuer has no such admin route')
  })
  app.onError((error) => {
    throw error
  })
  return mapErrors((request) => app.fetch(request), {
    statuses: EDGE_STATUSES,
    onError: (code) => options.onError?.(code),
  })
}

async function readJson<T>(request: Request, decode: Decoder<T>): Promise<T> {
  const text = fromUtf8(await readBody(request, MAX_BODY_BYTES))
  return decode(parseStrictJson(text === '' ? '{}' : text), 'body')
}

function answer(value: unknown, status = 200): Response {
  return Response.json(value, { status, headers: { 'cache-control': 'no-store' } })
}
