import { expect, it } from 'vitest'
import { ADMIN_TOKEN, openTestIssuer, type TestIssuer } from './parties.ts'

async function call(
  issuer: TestIssuer,
  method: string,
  path: string,
  body?: unknown,
  token = ADMIN_TOKEN,
): Promise<{ status: number; body: Record<string, never> & Record<string, unknown> }> {
  const response = await issuer.admin(
    new Request(`http://admin${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
  )
  return { status: response.status, body: (await response.json()) as never }
}

it('needs the admin token for every route, also for those that do not exist', async () => {
  const issuer = await openTestIssuer()
  for (const path of ['/v1/accounts', '/v1/usage', '/nothing'])
    expect(await call(issuer, 'GET', path, undefined, 'x'.repeat(40))).toMatchObject({
      status: 401,
      body: { error: { code: 'ISSUER_UNAUTHORIZED' } },
    })
})

it('makes an account, its keys and quotas, and says what was used, never a secret twice', async () => {
  const issuer = await openTestIssuer()
  const { body: account } = await call(issuer, 'POST', '/v1/accounts', { name: 'Praxis am Park' })
  const base = `/v1/accounts/${account['id'] as unknown as string}`
  const quota = { tokens: 100, period: 'day' }
  expect(await call(issuer, 'PUT', `${base}/quotas/standard`, quota)).toMatchObject({ status: 200 })
  expect(await call(issuer, 'PUT', `${base}/quotas/gold`, quota)).toMatchObject({ status: 404 })
  const { status, body: key } = await call(issuer, 'POST', `${base}/keys`)
  expect(status).toBe(201)
  expect(key['secret']).toMatch(/^sk-sotto-[\w-]{43}$/)
  const { body: next } = await call(issuer, 'POST', `${base}/keys/${key['id'] as unknown as string}/rotate`, {
    graceSeconds: 60,
  })
  const listed = await call(issuer, 'GET', base)
  expect(listed.body).toMatchObject({
    name: 'Praxis am Park',
    quotas: [{ class: 'standard', ...quota }],
    keys: expect.arrayContaining([{ id: next['id'], notAfter: null, created: issuer.clock.now }]) as unknown,
  })
  expect(JSON.stringify(listed.body)).not.toContain(next['secret'] as unknown as string)
  expect(await call(issuer, 'DELETE', `${base}/keys/${next['id'] as unknown as string}`)).toMatchObject({
    status: 200,
  })
  expect(await call(issuer, 'DELETE', `${base}/keys/${next['id'] as unknown as string}`)).toMatchObject({
    status: 404,
  })
  expect((await call(issuer, 'GET', '/v1/usage')).body).toEqual({ usage: [] })
})

it.each<[string, string, unknown]>([
  ['POST', '/v1/accounts', { name: '' }],
  ['POST', '/v1/accounts', { name: 'a\u0007b' }],
  ['POST', '/v1/accounts', { name: 'a', admin: true }],
  ['POST', '/v1/accounts', { name: 'a'.repeat(5000) }],
  ['PUT', '/v1/accounts/:id/quotas/standard', { tokens: -1, period: 'day' }],
  ['PUT', '/v1/accounts/:id/quotas/standard', { tokens: 1.5, period: 'day' }],
  ['PUT', '/v1/accounts/:id/quotas/standard', { tokens: 1, period: 'year' }],
  ['POST', '/v1/accounts/:id/keys', { notAfter: 'soon' }],
  ['POST', '/v1/accounts/acct_0/keys', {}],
])('%s %s refuses %j', async (method, path, body) => {
  const issuer = await openTestIssuer()
  const { id } = issuer.accounts.create('one')
  const { status } = await call(issuer, method, path.replace(':id', id), body)
  expect([400, 404, 413]).toContain(status)
  expect(issuer.accounts.list()).toHaveLength(1)
})
