import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { fromBase64Url } from '@sotto/protocol/bytes'
import {
  encodeTokenRequest,
  parseDirectory,
  parseTokenResponse,
  prepareToken,
  TOKEN_MEDIA_TYPE,
  verifyIssuerKeys,
} from '@sotto/protocol/tokens'
import { printKey, type RoleHandle, startRoleProcess, writeConfig } from '../process/role-process.ts'
import { CHALLENGE } from './parties.ts'

const folder = mkdtempSync(join(tmpdir(), 'sotto-issuer-kill-'))
const LOG_TOKEN = 'a-token-of-at-least-thirty-two-characters'
const ORIGIN = 'log.example/issuer'
const running: RoleHandle[] = []

afterAll(async () => {
  for (const role of running) await role.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function start(role: string, config: string): Promise<RoleHandle> {
  const handle = await startRoleProcess(role, config, { SOTTO_LOG_APPEND_TOKEN: LOG_TOKEN })
  running.push(handle)
  return handle
}

/** A log with its witness, and the configuration of an issuer that uses it. */
async function deploy(): Promise<string> {
  // Below the ports of stacks and of outgoing connections, which other tests take meanwhile.
  const port = 10_000 + Math.floor(Math.random() * 10_000)
  const logBase = { origin: ORIGIN, listen: { port: 0 }, store: join(folder, 'log'), quorum: 1, batchMs: 1 }
  const witnessBase = { name: 'w.example', listen: { port }, store: join(folder, 'witness') }
  const nobody = { key: 'nobody+00000000+AQ==', origin: ORIGIN }
  const witnessKey = await printKey('witness', writeConfig('witness', { ...witnessBase, logs: [nobody] }))
  const logConfig = writeConfig('log', {
    ...logBase,
    witnesses: [{ url: `http://127.0.0.1:${port}`, key: witnessKey }],
  })
  const logKey = await printKey('log', logConfig)
  await start('witness', writeConfig('witness', { ...witnessBase, logs: [{ origin: ORIGIN, key: logKey }] }))
  const log = await start('log', logConfig)
  return writeConfig('issuer', {
    name: 'issuer.example',
    listen: { port: 0 },
    admin: { port: 0 },
    store: join(folder, 'issuer'),
    classes: ['standard'],
    log: {
      url: log.urls['http'],
      origin: ORIGIN,
      key: logKey,
      witnesses: { keys: [witnessKey], quorum: 1 },
    },
  })
}

async function admin(issuer: RoleHandle, method: string, path: string, body?: object): Promise<unknown> {
  const token = readFileSync(join(folder, 'issuer', 'admin.token'), 'utf8').trim()
  const response = await fetch(issuer.urls['admin'] + path, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body && { body: JSON.stringify(body) }),
  })
  expect(response.ok).toBe(true)
  return response.json()
}

test(
  'an issuer killed at any moment charges every request once and answers it in the end',
  { timeout: 90_000 },
  async () => {
    const config = await deploy()
    let issuer = await start('issuer', config)
    for (const name of ['admin.token', 'issuer.key'])
      expect(statSync(join(folder, 'issuer', name)).mode & 0o777).toBe(0o600)
    const { id } = (await admin(issuer, 'POST', '/v1/accounts', { name: 'a' })) as { id: string }
    await admin(issuer, 'PUT', `/v1/accounts/${id}/quotas/standard`, { tokens: 100_000, period: 'month' })
    const { secret } = (await admin(issuer, 'POST', `/v1/accounts/${id}/keys`)) as { secret: string }
    const directory = await (
      await fetch(`${issuer.urls['http']}/.well-known/private-token-issuer-directory`)
    ).bytes()
    const { envelope } = parseDirectory(directory)
    const [{ key }] = verifyIssuerKeys(envelope, fromBase64Url(issuer.urls['issuerKey']!)).keys as [
      ReturnType<typeof verifyIssuerKeys>['keys'][number],
    ]
    const orders = Array.from({ length: 60 }, () => {
      const pending = prepareToken(key, CHALLENGE)
      return {
        pending,
        body: encodeTokenRequest({ truncatedKeyId: key.id.at(-1)!, blindedMessage: pending.blindedMessage }),
        isDone: false,
      }
    })
    let kills = 0
    while (orders.some(({ isDone }) => !isDone)) {
      const waiting = orders.filter(({ isDone }) => !isDone)
      // All at once, and dead before the last of them: charged, signed or neither.
      const killer = kills < 3 ? new Promise((done) => setTimeout(done, 5 + 10 * kills)) : undefined
      const asking = waiting.map(async (one) => {
        try {
          const response = await fetch(`${issuer.urls['http']}/token-request`, {
            method: 'POST',
            headers: { 'content-type': TOKEN_MEDIA_TYPE.request, authorization: `Bearer ${secret}` },
            body: one.body as Uint8Array<ArrayBuffer>,
          })
          one.pending.finish(parseTokenResponse(await response.bytes()))
          one.isDone = true
        } catch (error) {
          if (!(error instanceof TypeError)) throw error
        }
      })
      if (killer !== undefined) {
        await killer
        kills++
        await issuer.kill('SIGKILL')
      }
      await Promise.all(asking)
      if (killer !== undefined) issuer = await start('issuer', config)
    }
    expect(kills).toBe(3)
    const { usage } = (await admin(issuer, 'GET', '/v1/usage')) as { usage: { tokens: number }[] }
    expect(usage.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(orders.length)
    // The same keys all along: no start made new ones.
    expect(
      await (await fetch(`${issuer.urls['http']}/.well-known/private-token-issuer-directory`)).bytes(),
    ).toEqual(directory)
  },
)
