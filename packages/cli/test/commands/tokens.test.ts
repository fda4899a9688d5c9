import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { toBase64Url } from '@sotto/protocol/bytes'
import { encodeChallenge } from '@sotto/protocol/tokens'
import { openAccount, openTestIssuer } from '../../../edge/test/issuer/parties.ts'
import { createDesk } from '../support/desk.ts'
import type { RunResult } from '../support/memory-io.ts'

const CHALLENGE = encodeChallenge({
  issuerName: 'issuer.example',
  redemptionContext: new Uint8Array(32),
  originInfo: 'inference.sotto',
})

/** Somebody with an account, who asks one thing after the other. */
async function openHome() {
  const desk = await createDesk()
  onTestFinished(() => desk.clear())
  const issuer = await openTestIssuer({ log: desk.service.world.log, now: desk.service.now() })
  await issuer.keys.tick()
  const { secret } = openAccount(issuer)
  const used: string[] = []
  let purchases = 0
  desk.service.knobs.app = (request) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/sotto/token-challenge') return new Response(CHALLENGE as BodyInit)
    const authorization = request.headers.get('authorization')
    if (authorization !== null) used.push(authorization)
    const events =
      'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    return new Response(events, { headers: { 'content-type': 'text/event-stream' } })
  }
  const fetch: typeof globalThis.fetch = async (input, init) => {
    if (!String(input).startsWith('https://issuer.example')) return desk.service.fetch(input, init)
    if (String(input).endsWith('/token-request')) purchases++
    return issuer.app(new Request(input, init))
  }
  const env = {
    SOTTO_ISSUER: 'https://issuer.example',
    SOTTO_ISSUER_KEY: toBase64Url(issuer.publicKey),
    SOTTO_ACCOUNT_KEY: secret,
  }
  const state = join(desk.cwd, 'config', 'state')
  return {
    used,
    secret,
    purchases: () => purchases,
    chat: (change: Record<string, string> = {}): Promise<RunResult> =>
      desk.sotto(['chat'], { env: { ...env, ...change }, fetch, stdin: ['hello'] }),
    shelves: (): string[] =>
      readdirSync(state)
        .filter((name) => /^tokens-[0-9a-f]{16}\.json$/.test(name))
        .map((name) => join(state, name)),
    sell: () => openAccount(issuer).secret,
    /** As in a folder whose `sotto.json` names the issuer; the key is in the user's file. */
    async chatByProject(ownWord: boolean): Promise<RunResult> {
      const { SOTTO_ISSUER: url, SOTTO_ISSUER_KEY: key } = env
      writeFileSync(join(desk.cwd, 'sotto.json'), JSON.stringify({ issuer: url, 'issuer-key': key }))
      mkdirSync(join(desk.cwd, 'config'), { recursive: true })
      writeFileSync(join(desk.cwd, 'config', 'account.key'), secret)
      return desk.sotto(['chat'], { env: ownWord ? { SOTTO_ISSUER: url } : {}, fetch, stdin: ['hello'] })
    },
  }
}

it('commands share a shelf: one buys, and others need not', async () => {
  const { chat, used, purchases, shelves, secret } = await openHome()
  for (let n = 0; n < 3; n++) expect((await chat()).stderr).not.toContain('error:')
  expect(new Set(used).size).toBe(3)
  expect(purchases()).toBe(1)
  const [shelf, ...others] = shelves()
  expect(others).toEqual([])
  expect(statSync(shelf!).mode & 0o777).toBe(0o600)
  const kept = JSON.parse(readFileSync(shelf!, 'utf8')) as { token: string }[]
  expect(kept).toHaveLength(13)
  // A token that was used is nowhere on the disk, and the API key never was.
  for (const authorization of used) expect(authorization).not.toMatch(new RegExp(kept[0]!.token))
  expect(readFileSync(shelf!, 'utf8')).not.toContain(secret)
})

it('two commands at once use a token each', async () => {
  const { chat, used } = await openHome()
  await chat()
  await Promise.all([chat(), chat(), chat()])
  expect(new Set(used).size).toBe(4)
})

it('accounts do not spend for each other', async () => {
  const { chat, shelves, purchases, sell } = await openHome()
  await chat()
  await chat({ SOTTO_ACCOUNT_KEY: sell() })
  expect(shelves()).toHaveLength(2)
  expect(purchases()).toBe(2)
})

it('says that a shelf was damaged, whatever else is quiet, and quotes nothing of it', async () => {
  const { chat, shelves, purchases } = await openHome()
  await chat()
  const [shelf] = shelves()
  const before = readFileSync(shelf!, 'utf8')
  writeFileSync(shelf!, before.slice(0, -40))
  const { stderr, code } = await chat()
  expect(code).toBe(0)
  expect(stderr).toContain(`they were put to ${shelf}.damaged`)
  expect(stderr).not.toContain((JSON.parse(before) as { token: string }[])[0]!.token.slice(0, 24))
  expect(purchases()).toBe(2)
})

it('uses and buys nothing where tokens cannot be kept, and says where', async () => {
  const { chat, shelves, purchases, used } = await openHome()
  await chat()
  const [shelf] = shelves()
  rmSync(shelf!)
  mkdirSync(shelf!)
  const { stderr, code } = await chat()
  expect(code).toBe(2)
  expect(stderr).toContain('[CLI_FILE]')
  expect(stderr).toContain(shelf)
  expect([purchases(), used.length]).toEqual([1, 1])
})

it('a folder that somebody else wrote chooses no issuer for the key of the user', async () => {
  const { chatByProject, purchases } = await openHome()
  const refused = await chatByProject(false)
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining('sotto.json names a token issuer'),
  ])
  expect(purchases()).toBe(0)
  expect((await chatByProject(true)).code).toBe(0)
  expect(purchases()).toBe(1)
})
