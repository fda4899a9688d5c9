import { chmodSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI, { AuthenticationError, RateLimitError } from 'openai'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { connect } from '../../src/index.ts'
import { newUserKey, type ProxyUser, startProxy } from '../../src/proxy/index.ts'
import { createService, RELAY } from '../support/service.ts'
import { ask, authority, serverCertificate, userCertificate, writeServerFiles } from './certificates.ts'
import { startTestProxy, testFolder } from './folder.ts'

const root = authority()
const ok = (): Response => Response.json({ ok: true })

function writeUsers(folder: string, users: readonly ProxyUser[]): string {
  const file = join(folder, 'users.json')
  writeFileSync(`${file}.new`, JSON.stringify({ version: 1, users }), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return file
}

describe('a proxy that speaks TLS', () => {
  it('speaks TLS 1.2 and later, and nothing else', async () => {
    const tls = writeServerFiles(testFolder(), serverCertificate(root))
    const { proxy, asked } = await startTestProxy(ok, { tls })
    expect(proxy.url).toMatch(/^https:/)
    expect((await ask(`${proxy.url}/v1/models`, { ca: root.pem })).status).toBe(200)
    expect((await ask(`${proxy.url}/v1/models`, { ca: root.pem, maxVersion: 'TLSv1.2' })).status).toBe(200)
    await expect(ask(`${proxy.url}/v1/models`, { ca: root.pem, maxVersion: 'TLSv1.1' })).rejects.toThrow()
    await expect(fetch(`${proxy.url.replace('https', 'http')}/v1/models`)).rejects.toThrow()
    expect(asked).toHaveLength(2)
  })

  it('takes a new certificate while it runs, and keeps the old one while the new one is of no use', async () => {
    const folder = testFolder()
    const first = serverCertificate(root)
    const tls = writeServerFiles(folder, first)
    const lines: string[] = []
    const { proxy } = await startTestProxy(ok, { tls, watchMs: 20, writeLog: (line) => lines.push(line) })
    const shown = async (): Promise<string> =>
      (await ask(`${proxy.url}/healthz`, { ca: root.pem })).certificate
    const before = await shown()
    // A certificate without its key, as while two files are replaced.
    const second = serverCertificate(root)
    writeFileSync(tls.certFile, second.pem)
    await expect.poll(() => lines.join('')).toContain('"event":"reload-failed","code":"PROXY_CONFIG"')
    expect(await shown()).toBe(before)
    writeServerFiles(folder, second)
    await expect.poll(shown).not.toBe(before)
    // A key that others may read is not taken, and nothing changes.
    const after = await shown()
    writeServerFiles(folder, serverCertificate(root))
    chmodSync(tls.keyFile, 0o644)
    await proxy.reload()
    expect(await shown()).toBe(after)
    chmodSync(tls.keyFile, 0o600)
    await proxy.reload()
    expect(await shown()).not.toBe(after)
  })

  it.each([
    ['a key that others may read', (files: { keyFile: string }) => chmodSync(files.keyFile, 0o640)],
    [
      'another key',
      (files: { keyFile: string }, folder: string) => {
        const { keyFile } = writeServerFiles(folder, serverCertificate(root))
        renameSync(keyFile, files.keyFile)
      },
    ],
    ['no key', (files: { keyFile: string }) => writeFileSync(files.keyFile, 'key')],
    ['no certificate', (files: { certFile: string }) => writeFileSync(files.certFile, '')],
  ])('does not start with %s', async (_, spoil) => {
    const files = writeServerFiles(testFolder(), serverCertificate(root))
    spoil(files as { keyFile: string; certFile: string }, testFolder())
    await expect(startTestProxy(ok, { tls: files })).rejects.toMatchObject({ code: 'PROXY_CONFIG' })
  })
})

describe('users with keys', () => {
  it(claim('T21', 'lets users in by their own key, and nothing of them goes on'), async () => {
    const folder = testFolder()
    const [ada, bob] = [newUserKey(), newUserKey()]
    const usersFile = writeUsers(folder, [
      { name: 'ada', key: ada.key },
      { name: 'bob', key: bob.key, disabled: true },
    ])
    const { proxy, asked } = await startTestProxy(ok, { usersFile })
    const as = async (headers: Record<string, string>): Promise<[number, string | undefined]> => {
      const response = await fetch(`${proxy.url}/v1/models`, { headers })
      const { error } = (await response.json()) as { error?: { code: string } }
      return [response.status, error?.code]
    }
    expect(await as({})).toEqual([401, 'invalid_api_key'])
    expect(await as({ authorization: `Bearer ${newUserKey().secret}` })).toEqual([401, 'invalid_api_key'])
    expect(await as({ authorization: `Bearer ${bob.secret}` })).toEqual([403, 'sotto_user_disabled'])
    expect(asked).toEqual([])
    expect(await as({ authorization: `Bearer ${ada.secret}` })).toEqual([200, undefined])
    expect(await as({ 'api-key': ada.secret })).toEqual([200, undefined])
    // A disabled user is nobody for whoever only knows its name.
    expect(await as({ authorization: 'Bearer bob' })).toEqual([401, 'invalid_api_key'])
    expect((await fetch(`${proxy.url}/sotto/trust`)).status).toBe(401)
    expect((await fetch(`${proxy.url}/healthz`)).status).toBe(200)
  })

  it('takes a change of its users in while it runs, and keeps them while the file is of no use', async () => {
    const folder = testFolder()
    const [ada, bob] = [newUserKey(), newUserKey()]
    const usersFile = writeUsers(folder, [{ name: 'ada', key: ada.key }])
    const { proxy } = await startTestProxy(ok, { usersFile, watchMs: 20 })
    const statusOf = async ({ secret }: { secret: string }): Promise<number> =>
      (await fetch(`${proxy.url}/v1/models`, { headers: { 'api-key': secret } })).status
    expect([await statusOf(ada), await statusOf(bob)]).toEqual([200, 401])
    writeUsers(folder, [{ name: 'bob', key: bob.key }])
    await expect.poll(() => statusOf(ada)).toBe(401)
    expect(await statusOf(bob)).toBe(200)
    writeFileSync(usersFile, 'no users')
    await proxy.reload()
    expect(await statusOf(bob)).toBe(200)
  })

  it('holds users to their limits, in the words SDKs know', async () => {
    const key = newUserKey()
    const limits = { requestsPerMinute: 1 }
    const usersFile = writeUsers(testFolder(), [{ name: 'ada', key: key.key, limits }])
    const { proxy } = await startTestProxy(ok, { usersFile })
    const client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: key.secret, maxRetries: 0 })
    await client.models.list()
    const refused = await client.models.list().then(undefined, (error: unknown) => error)
    expect(refused).toBeInstanceOf(RateLimitError)
    expect(refused).toMatchObject({ code: 'rate_limit_exceeded', status: 429 })
    expect((refused as RateLimitError).headers.get('retry-after')).toBe('60')
    // What is answered here costs nothing.
    expect((await fetch(`${proxy.url}/sotto/trust`, { headers: { 'api-key': key.secret } })).status).toBe(200)
  })

  it('shows nobody the receipts of others', async () => {
    const key = newUserKey()
    const usersFile = writeUsers(testFolder(), [{ name: 'ada', key: key.key }])
    const { proxy } = await startTestProxy(ok, { usersFile })
    const response = await fetch(`${proxy.url}/sotto/receipts`, { headers: { 'api-key': key.secret } })
    expect([response.status, await response.json()]).toMatchObject([
      403,
      { error: { code: 'sotto_receipts_pooled' } },
    ])
  })
})

describe('users with certificates', () => {
  const ada = userCertificate(root, 'ada')
  const stranger = userCertificate(authority(), 'ada')

  async function start(
    usersFile?: string,
  ): Promise<(as?: typeof ada) => Promise<[number, string | undefined]>> {
    const folder = testFolder()
    const clientCaFile = join(folder, 'ca.pem')
    writeFileSync(clientCaFile, root.pem)
    const tls = { ...writeServerFiles(folder, serverCertificate(root)), clientCaFile }
    const { proxy } = await startTestProxy(ok, { tls, ...(usersFile !== undefined && { usersFile }) })
    return async (as) => {
      const answer = await ask(`${proxy.url}/v1/models`, { ca: root.pem, ...(as && { as }) })
      return [answer.status, answer.status === 200 ? undefined : answer.json().error.code]
    }
  }

  it('are let in by a certificate of the CA, and nobody else gets as far as a request', async () => {
    const as = await start()
    expect(await as(ada)).toEqual([200, undefined])
    await expect(as()).rejects.toThrow()
    await expect(as(stranger)).rejects.toThrow()
    // A certificate that calls its holder nothing a user may be called.
    expect(await as(userCertificate(root, 'Ada Lovelace'))).toEqual([403, 'sotto_user_unknown'])
  })

  it('are those of the file, where there is one, by any one of their names', async () => {
    const as = await start(
      writeUsers(testFolder(), [
        { name: 'ada' },
        { name: 'bob@example.org' },
        { name: 'carol', disabled: true },
      ]),
    )
    expect(await as(ada)).toEqual([200, undefined])
    expect(await as(userCertificate(root, 'Bob', [1, 'bob@example.org']))).toEqual([200, undefined])
    expect(await as(userCertificate(root, 'dave'))).toEqual([403, 'sotto_user_unknown'])
    expect(await as(userCertificate(root, 'carol'))).toEqual([403, 'sotto_user_disabled'])
    // Which of two is it?
    expect(await as(userCertificate(root, 'ada', [1, 'bob@example.org']))).toEqual([
      403,
      'sotto_user_unknown',
    ])
  })
})

describe('the openai SDK over TLS, as one of two users', () => {
  it('chats through the encryption, and is told when its key is another', async () => {
    const service = await createService()
    const events = ['Hel', 'lo'].map(
      (content) =>
        `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`,
    )
    service.knobs.app = () =>
      new Response(`${events.join('')}data: [DONE]\n\n`, { headers: { 'content-type': 'text/event-stream' } })
    const sotto = await connect(RELAY, {
      policy: service.world.policy,
      fetch: service.fetch,
      now: service.now,
    })
    const folder = testFolder()
    const [ada, bob] = [newUserKey(), newUserKey()]
    const usersFile = writeUsers(folder, [
      { name: 'ada', key: ada.key },
      { name: 'bob', key: bob.key },
    ])
    const tls = writeServerFiles(folder, serverCertificate(root))
    const proxy = await startProxy({ sotto, port: 0, tls, usersFile, now: service.now })
    onTestFinished(() => proxy.close())
    const authorities = getCACertificates('default')
    setDefaultCACertificates([...authorities, root.pem])
    onTestFinished(() => setDefaultCACertificates(authorities))

    const client = (apiKey: string): OpenAI =>
      new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey, organization: 'ours', maxRetries: 0 })
    for (const { secret } of [ada, bob]) {
      const stream = await client(secret).chat.completions.create({
        model: 'm',
        stream: true,
        messages: [{ role: 'user', content: 'hi' }],
        user: 'somebody',
      })
      const texts = (await Array.fromAsync(stream)).map((event) => event.choices[0]?.delta.content ?? '')
      expect(texts.join('')).toBe('Hello')
    }
    const wrong = client(newUserKey().secret).models.list()
    await expect(wrong).rejects.toBeInstanceOf(AuthenticationError)
    // Of headers nothing tells the two apart, or from anybody.
    const [first, second] = service.innerCalls.filter(({ path }) => path.endsWith('/completions'))
    const date = 'whenever'
    expect({ ...first!.headers, date }).toEqual({ ...second!.headers, date })
    expect(JSON.stringify(service.innerCalls)).not.toMatch(/sk-sotto|ada|bob|ours|stainless/)
  })
})
