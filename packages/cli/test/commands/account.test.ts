import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { toBase64Url } from '@sotto/protocol/bytes'
import { commands } from '../../src/commands/index.ts'
import { ADMIN_TOKEN, CHALLENGE, openAccount, openTestIssuer } from '../../../edge/test/issuer/parties.ts'
import { createDesk } from '../support/desk.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'

async function openDesk() {
  const issuer = await openTestIssuer()
  const cwd = mkdtempSync(join(tmpdir(), 'sotto-account-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  writeFileSync(join(cwd, 'admin.token'), `${ADMIN_TOKEN}\n`)
  const run = (argv: string[], env: Record<string, string> = {}): Promise<RunResult> =>
    runInMemory(commands, ['account', ...argv], {
      cwd,
      env: { SOTTO_ISSUER_ADMIN: 'http://127.0.0.1:8090', ...env },
      fetch: async (input, init) => issuer.admin(new Request(input, init)),
    })
  return { issuer, run }
}
const TOKEN = ['--token-file', 'admin.token']

it('makes an account with quota and key, shows each secret once and alone, rotates and revokes', async () => {
  const { issuer, run } = await openDesk()
  const id = (await run(['create', 'Praxis am Park', ...TOKEN])).stdout.trim()
  expect(id).toMatch(/^acct_/)
  expect((await run(['quota', id, 'standard', '--tokens', '500', ...TOKEN])).stdout).toBe(
    'standard 500/day\n',
  )
  const made = await run(['key', 'create', id, ...TOKEN])
  expect(made.stdout).toMatch(/^sk-sotto-[\w-]{43}\n$/)
  const [key] = issuer.accounts.keys(id)
  expect(made.stderr).toBe(`key ${key!.id}; it is not shown again\n`)
  expect(issuer.accounts.authenticate(made.stdout.trim())).toBe(id)
  const next = await run(['key', 'rotate', id, key!.id, '--grace', '0', ...TOKEN])
  expect(() => issuer.accounts.authenticate(made.stdout.trim())).toThrow()
  expect(issuer.accounts.authenticate(next.stdout.trim())).toBe(id)
  const [last] = issuer.accounts.keys(id)
  expect((await run(['key', 'revoke', id, last!.id, ...TOKEN])).stdout).toBe(`${last!.id}\n`)
  expect((await run(['ls', ...TOKEN])).stdout).toBe(`${id}\tPraxis am Park\t0 keys\tstandard 500/day\n`)
  expect(JSON.parse((await run(['usage', '--json', ...TOKEN])).stdout)).toEqual({ usage: [] })
})

it.each<[string, string[], Record<string, string>, number, string]>([
  ['no address', ['ls', ...TOKEN], { SOTTO_ISSUER_ADMIN: '' }, 2, 'CLI_USAGE'],
  ['an address elsewhere', ['ls', '--admin', 'https://issuer.example', ...TOKEN], {}, 2, 'CLI_USAGE'],
  ['no token', ['ls'], {}, 2, 'CLI_USAGE'],
  ['a file that is not there', ['ls', '--token-file', 'none'], {}, 2, 'CLI_CONFIG'],
  ['a wrong token', ['ls'], { SOTTO_ISSUER_ADMIN_TOKEN: 'x'.repeat(43) }, 4, 'CLI_AUTH'],
  ['an account nobody has', ['key', 'create', 'acct_0', ...TOKEN], {}, 2, 'CLI_REQUEST'],
  ['a quota without a number', ['quota', 'acct_0', 'standard', ...TOKEN], {}, 2, 'CLI_USAGE'],
  ['a class nobody sells', ['quota', 'acct_0', 'gold', '--tokens', '1', ...TOKEN], {}, 2, 'CLI_REQUEST'],
])('refuses %s', async (_, argv, env, code, name) => {
  const { run } = await openDesk()
  const result = await run(argv, env)
  expect([result.code, result.stderr]).toEqual([code, expect.stringContaining(name)])
  expect(result.stderr).not.toContain(ADMIN_TOKEN)
})

it('chat buys its tokens where the environment says, and says what is missing', async () => {
  const desk = await createDesk()
  onTestFinished(() => desk.clear())
  const issuer = await openTestIssuer({ log: desk.service.world.log, now: desk.service.now() })
  await issuer.keys.tick()
  const { secret } = openAccount(issuer)
  const env = { SOTTO_ISSUER: 'https://issuer.example' }
  const ask = ['chat']
  const stdin = ['hello']
  expect(await desk.sotto(ask, { env, stdin })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('SOTTO_ISSUER_KEY') as unknown,
  })
  const pinned = { ...env, SOTTO_ISSUER_KEY: toBase64Url(issuer.publicKey) }
  expect(await desk.sotto(ask, { env: pinned, stdin })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('SOTTO_ACCOUNT_KEY') as unknown,
  })
  const seen: string[] = []
  desk.service.knobs.app = (request) => {
    const { pathname } = new URL(request.url)
    seen.push(`${pathname} ${request.headers.get('authorization')?.slice(0, 12)}`)
    if (pathname === '/sotto/token-challenge') return new Response(CHALLENGE as BodyInit)
    const events =
      'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    return new Response(events, { headers: { 'content-type': 'text/event-stream' } })
  }
  const fetch: typeof globalThis.fetch = async (input, init) =>
    String(input).startsWith('https://issuer.example')
      ? issuer.app(new Request(input, init))
      : desk.service.fetch(input, init)
  const result = await desk.sotto(ask, { env: { ...pinned, SOTTO_ACCOUNT_KEY: secret }, fetch, stdin })
  expect(result.stderr).not.toContain('error:')
  expect(seen).toContain('/sotto/token-challenge undefined')
  expect(seen.filter((line) => line.startsWith('/v1/'))).toEqual(['/v1/chat/completions PrivateToken'])
})

it('an issuer that answers without end, or not in JSON, is cut off', async () => {
  const desk = await createDesk()
  onTestFinished(() => desk.clear())
  const env = { SOTTO_ISSUER_ADMIN: 'http://127.0.0.1:1', SOTTO_ISSUER_ADMIN_TOKEN: ADMIN_TOKEN }
  let sent = 0
  const endless = (): Response =>
    new Response(
      new ReadableStream({
        pull(controller) {
          sent += 65_536
          controller.enqueue(new Uint8Array(65_536).fill(0x20))
        },
      }),
    )
  for (const answer of [endless, () => new Response('[]'), () => new Response('no')]) {
    const result = await desk.sotto(['account', 'ls'], { env, fetch: async () => answer() })
    expect(result.code).not.toBe(0)
    expect(result.stderr).toContain('no issuer')
  }
  expect(sent).toBeGreaterThan(4 * 1024 * 1024)
  expect(sent).toBeLessThan(6 * 1024 * 1024)
})
