import { chmodSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { toBase64Url } from '@sotto/protocol/bytes'
import { encodeChallenge } from '@sotto/protocol/tokens'
import { encodeTrustPolicy } from '@sotto/verifier'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RELAY } from '../../../client/test/support/service.ts'
import { openAccount, openTestIssuer, type TestIssuer } from '../../../edge/test/issuer/parties.ts'
import { BANNER, createDesk, type Desk, traffic } from '../support/desk.ts'
import type { RunResult, WorldOptions } from '../support/memory-io.ts'

const KEY = 'sk-sotto-hunter2'
const OTHER = 'https://other.example'

let desk: Desk
beforeEach(async () => {
  desk = await createDesk()
})
afterEach(() => desk.clear())

/** A user whose environment says nothing. */
const sotto = (argv: string[], options: WorldOptions = {}): Promise<RunResult> =>
  desk.sotto(argv, { ...options, env: { SOTTO_HOST: '', SOTTO_POLICY: '', ...options.env } })
const login = (...args: string[]): Promise<RunResult> =>
  sotto(['login', RELAY, '--policy', 'policy.json', ...args])
const place = (...path: string[]): string => join(desk.cwd, 'config', 'contexts', ...path)
const writePrivate = (name: string, text: string, mode = 0o600): string => {
  desk.write(name, text)
  chmodSync(join(desk.cwd, name), mode)
  return name
}
const account = (file: string): string[] => [
  '--issuer',
  'https://issuer.example',
  '--issuer-key',
  'issuer-public-key',
  '--account-key',
  file,
]

describe('sotto login', () => {
  it('keeps a service that verifies, with the policy that judged it, and sends nothing', async () => {
    const result = await login()
    expect(result).toEqual({
      code: 0,
      stdout: `verified ${RELAY}; commands use it from now on, as context relay.example\n`,
      stderr: BANNER,
    })
    expect(traffic(desk.service).filter((call) => !call.startsWith('GET '))).toEqual([])
    expect(readFileSync(place('relay.example', 'policy.json'))).toEqual(
      Buffer.from(encodeTrustPolicy(desk.service.world.policy)),
    )
    // The copy counts: the file may go.
    rmSync(join(desk.cwd, 'policy.json'))
    expect(await sotto(['verify'])).toMatchObject({ code: 0 })
    expect(await sotto(['context', 'ls'])).toMatchObject({ stdout: `* relay.example            ${RELAY}\n` })
  })

  it.each<[string, () => void, number]>([
    ['whose evidence is not authentic', () => (desk.service.knobs.bundleBytes = () => Buffer.from('{}')), 3],
    [
      'that another policy is for',
      () =>
        desk.write('policy.json', JSON.stringify({ ...desk.service.world.policy, genesis: 'ab'.repeat(32) })),
      5,
    ],
    ['that is not there', () => (desk.service.knobs.outer = () => new Response('', { status: 404 })), 6],
  ])('of a service %s keeps nothing, and leaves what was there', async (_what, bend, code) => {
    expect(await login('--name', 'before')).toMatchObject({ code: 0 })
    const before = readFileSync(place('before', 'settings.json'), 'utf8')
    bend()
    for (const name of ['new', 'before']) {
      const result = await login('--name', name, ...account(writePrivate('key', KEY)))
      expect(result.code, result.stderr).toBe(code)
      expect(result.stdout).toBe('')
      expect(result.stderr).not.toContain(KEY)
    }
    expect(existsSync(place('new'))).toBe(false)
    expect(existsSync(place('before', 'account.key'))).toBe(false)
    expect(readFileSync(place('before', 'settings.json'), 'utf8')).toBe(before)
    expect((await sotto(['context', 'ls'])).stdout).toBe(`* before                   ${RELAY}\n`)
  })

  it('without a policy, or with one that is none, is refused before anything is asked', async () => {
    expect(await sotto(['login', RELAY])).toMatchObject({ code: 2 })
    desk.write('policy.json', '{}')
    expect(await login()).toMatchObject({ code: 2 })
    expect(traffic(desk.service)).toEqual([])
    expect(existsSync(place())).toBe(false)
  })

  it.each<[string, string[], string]>([
    ['a name that climbs', ['--name', '../x'], 'CLI_USAGE'],
    ['a name with capitals', ['--name', 'Prod'], 'CLI_USAGE'],
    ['an issuer without its key', ['--issuer', 'https://i'], 'CLI_USAGE'],
    ['the key of no issuer', ['--issuer-key', 'k'], 'CLI_USAGE'],
    ['an account without an issuer', ['--account-key', 'key'], 'CLI_USAGE'],
    ['an issuer that is no address', ['--issuer', 'issuer', '--issuer-key', 'k'], 'CLI_USAGE'],
    ['a KMS that is a file', ['--kms', 'file:///etc/passwd'], 'CLI_USAGE'],
    ['an account key that is not there', account('none'), 'CLI_FILE'],
  ])('with %s is refused before anything is asked', async (_what, args, code) => {
    const result = await login(...args)
    expect([result.code, result.stderr]).toEqual([2, expect.stringContaining(code)])
    expect(traffic(desk.service)).toEqual([])
    expect(existsSync(place())).toBe(false)
  })

  it.each<[string, string, number]>([
    ['others may read', KEY, 0o644],
    ['is empty', '\n', 0o600],
    ['holds two lines', `${KEY}\n${KEY}`, 0o600],
    ['holds control characters', `${KEY}\u001b[2J`, 0o600],
    ['is no key but a book', KEY.repeat(200), 0o600],
  ])('an account key that %s is refused, and not shown', async (_what, text, mode) => {
    const { code, stdout, stderr } = await login(...account(writePrivate('key', text, mode)))
    expect([code, stderr]).toEqual([2, expect.stringContaining('CLI_FILE')])
    expect(stdout + stderr).not.toContain(KEY)
    expect(existsSync(place())).toBe(false)
  })

  it('an account key lies in its context alone, for its user alone, and nothing prints it', async () => {
    expect(await login(...account(writePrivate('key', `${KEY}\n`)))).toMatchObject({ code: 0 })
    const file = place('relay.example', 'account.key')
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual([`${KEY}\n`, 0o600])
    for (const argv of [
      ['config', 'view'],
      ['config', 'view', '--show-origin'],
      ['config', 'view', '--json'],
      ['context', 'ls', '--json'],
      ['context', 'use', 'relay.example'],
      ['doctor'],
    ]) {
      const { stdout, stderr } = await sotto(argv)
      expect(stdout + stderr).not.toContain(KEY)
    }
    expect((await sotto(['config', 'view'])).stdout).toContain('issuer-key=issuer-public-key\n')
  })

  it('keeps nothing of another context: neither its log nor its gateway', async () => {
    expect(await login('--log', `${RELAY}/log`, '--gateway', 'inference', '--name', 'a')).toMatchObject({
      code: 0,
    })
    const settings = JSON.parse(readFileSync(place('a', 'settings.json'), 'utf8')) as object
    expect(settings).toEqual({
      host: RELAY,
      gateway: 'inference',
      log: `${RELAY}/log`,
      policy: 'policy.json',
    })
    const fetch: typeof globalThis.fetch = (input, init) =>
      desk.service.fetch(String(input).replace(OTHER, RELAY), init)
    desk.service.outerCalls.length = 0
    expect(await sotto(['login', OTHER, '--policy', 'policy.json'], { fetch })).toMatchObject({ code: 0 })
    expect(JSON.parse(readFileSync(place('other.example', 'settings.json'), 'utf8'))).toEqual({
      host: OTHER,
      gateway: 'inference',
      policy: 'policy.json',
    })
  })

  it('names a context after host and port, or asks for a name', async () => {
    const fetch: typeof globalThis.fetch = (input, init) =>
      desk.service.fetch(String(input).replace(/^https:\/\/[^/]+/, RELAY), init)
    const at = (url: string): Promise<RunResult> =>
      sotto(['login', url, '--policy', 'policy.json', '--json'], { fetch })
    expect(JSON.parse((await at('https://Relay.Example:8080')).stdout)).toMatchObject({
      context: 'relay.example-8080',
    })
    expect(await at('https://[::1]:8080')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('pass --name') as string,
    })
  })
})

describe('contexts on the command line', () => {
  beforeEach(async () => {
    await login('--name', 'a')
    await login('--name', 'b', ...account(writePrivate('key', KEY)))
  })

  it('are chosen for one command and for all', async () => {
    expect((await sotto(['config', 'view', '--show-origin'])).stdout).toContain(place('b', 'settings.json'))
    const { stdout } = await sotto(['config', 'view', '--show-origin'], { env: { SOTTO_CONTEXT: 'a' } })
    expect(stdout).toContain(place('a', 'settings.json'))
    expect(await sotto(['context', 'use', 'a'])).toMatchObject({
      code: 0,
      stdout: 'commands use a from now on\n',
    })
    expect(JSON.parse((await sotto(['context', 'ls', '--json'])).stdout)).toEqual([
      { name: 'a', host: RELAY, isCurrent: true },
      { name: 'b', host: RELAY, isCurrent: false },
    ])
  })

  it('that are gone are refused with those that there are', async () => {
    for (const argv of [
      ['context', 'use', 'c'],
      ['context', 'rm', 'c', '--yes'],
    ])
      expect(await sotto(argv)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/no context "c".*\n +expected: a, b/) as string,
      })
    expect(await sotto(['verify'], { env: { SOTTO_CONTEXT: 'c' } })).toMatchObject({ code: 2, stdout: '' })
  })

  it('are forgotten with their key, after a question', async () => {
    expect(await sotto(['context', 'rm', 'b'])).toMatchObject({ code: 2 })
    expect(
      await sotto(['context', 'rm', 'b'], { stdinTerminal: true, stderrTerminal: true, stdin: ['n\n'] }),
    ).toMatchObject({ code: 130 })
    expect(existsSync(place('b', 'account.key'))).toBe(true)
    expect(await sotto(['context', 'rm', 'b', '--yes'])).toMatchObject({ code: 0, stdout: 'forgot b\n' })
    expect(existsSync(place('b'))).toBe(false)
    expect((await sotto(['context', 'ls'])).stdout).toBe(`  a                        ${RELAY}\n`)
  })

  it('that are damaged are listed as such', async () => {
    desk.write('config/contexts/a/settings.json', '{')
    expect((await sotto(['context', 'ls'])).stdout).toMatch(/^ {2}a +damaged$/m)
  })
})

describe('the account key of a context', () => {
  const CHALLENGE = encodeChallenge({
    issuerName: 'issuer.example',
    redemptionContext: new Uint8Array(32),
    originInfo: 'inference.sotto',
  })

  async function openDesk(): Promise<{
    issuer: TestIssuer
    secret: string
    keys: string[]
    spent: string[]
    fetch: typeof globalThis.fetch
    loginWithAccount: () => Promise<RunResult>
  }> {
    const issuer = await openTestIssuer({ log: desk.service.world.log, now: desk.service.now() })
    await issuer.keys.tick()
    const { secret } = openAccount(issuer)
    const spent: string[] = []
    desk.service.knobs.app = (request) => {
      if (new URL(request.url).pathname === '/sotto/token-challenge')
        return new Response(CHALLENGE as BodyInit)
      const authorization = request.headers.get('authorization')
      if (authorization !== null) spent.push(authorization)
      return new Response(
        'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
        {
          headers: { 'content-type': 'text/event-stream' },
        },
      )
    }
    const keys: string[] = []
    return {
      issuer,
      secret,
      keys,
      spent,
      loginWithAccount: () =>
        login(
          '--issuer',
          'https://issuer.example',
          '--issuer-key',
          toBase64Url(issuer.publicKey),
          '--account-key',
          writePrivate('key', secret),
        ),
      fetch: async (input, init) => {
        const { host } = new URL(String(input))
        if (!host.startsWith('issuer')) return desk.service.fetch(input, init)
        const authorization = new Headers(init?.headers).get('authorization')
        if (authorization !== null)
          keys.push(`${host} ${authorization.includes(secret) ? 'of the context' : 'another'}`)
        return issuer.app(new Request(input, init))
      },
    }
  }

  it('neither buys for another host nor spends there what was bought, unless the environment names it', async () => {
    const { issuer, secret, keys, spent, fetch, loginWithAccount } = await openDesk()
    expect(await loginWithAccount()).toMatchObject({ code: 0 })
    const elsewhere: typeof globalThis.fetch = (input, init) =>
      fetch(String(input).replace(OTHER, RELAY), init)
    const chat = (args: string[] = [], env: Record<string, string> = {}): Promise<RunResult> =>
      sotto(['chat', ...args], { fetch: elsewhere, stdin: ['hello'], env })
    expect(await chat()).toMatchObject({ code: 0 })
    expect([keys.length > 0, spent.length]).toEqual([true, 1])
    keys.length = spent.length = 0
    const there = ['--host', OTHER, '--policy', 'policy.json']
    expect(await chat(there)).toMatchObject({ code: 0 })
    expect(await chat([], { SOTTO_HOST: OTHER, SOTTO_POLICY: 'policy.json' })).toMatchObject({ code: 0 })
    // A folder that somebody else wrote names another host.
    desk.write('sotto.json', JSON.stringify({ host: OTHER, policy: 'policy.json' }))
    expect(await chat()).toMatchObject({ code: 0 })
    // And what a folder says of its own host is not for another one either.
    const issuerKey = toBase64Url(issuer.publicKey)
    const account = { issuer: 'https://issuer.example', 'issuer-key': issuerKey }
    desk.write('sotto.json', JSON.stringify({ host: RELAY, policy: 'policy.json', ...account }))
    expect(await chat(there, { SOTTO_ACCOUNT_KEY: secret })).toMatchObject({ code: 0 })
    expect([keys, spent]).toEqual([[], []])
    rmSync(join(desk.cwd, 'sotto.json'))
    const named = { SOTTO_ISSUER: account.issuer, SOTTO_ISSUER_KEY: issuerKey, SOTTO_ACCOUNT_KEY: secret }
    expect(await chat(there, named)).toMatchObject({ code: 0 })
    expect(spent).toHaveLength(1)
  })

  it('buys at the issuer of its context, and at no other that something else names', async () => {
    const { issuer, keys, fetch, loginWithAccount } = await openDesk()
    const issuerKey = toBase64Url(issuer.publicKey)
    expect(await loginWithAccount()).toMatchObject({ code: 0 })
    expect(await sotto(['chat'], { fetch, stdin: ['hello'] })).toMatchObject({ code: 0 })
    expect(new Set(keys)).toEqual(new Set(['issuer.example of the context']))
    keys.length = 0
    // A folder that somebody else wrote names another issuer, and a key that it made up for it.
    desk.write('sotto.json', JSON.stringify({ issuer: 'https://issuer.evil', 'issuer-key': issuerKey }))
    const result = await sotto(['chat'], { fetch, stdin: ['hello'] })
    expect([result.code, result.stderr]).toEqual([
      2,
      expect.stringContaining('no account is sent on its word'),
    ])
    expect(keys).toEqual([])
  })
})
