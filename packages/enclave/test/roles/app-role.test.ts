import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import { sealArtifact } from '@sotto/protocol/sealed'
import { parseReceiptTrailer } from '@sotto/protocol/receipts'
import { archiveOf, server, sha256, temporaryFolder, whyNotHere } from '../app/real-app.ts'
import type { OpenedAnswer } from '../gateway/parties.ts'
import { EMBED } from '../models/sealed-file.ts'
import { ask, type Change, json, start } from './role-world.ts'

const CODE = server(
  `
  if (request.url === '/second') { createSocket('udp4').bind(5353, '127.0.0.1'); return response.end() }
  if (request.url === '/secret') return response.end(process.env.API_KEY)
  if (request.url === '/embed') {
    const answer = await fetch(process.env.OPENAI_BASE_URL + '/embeddings', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: '${EMBED.id}', input: 'two words' }),
    })
    const { data } = await answer.json()
    return response.end(String(data[0].embedding.length))
  }
  if (request.url === '/owners') {
    const answer = await fetch(process.env.OPENAI_BASE_URL + '/sealed-models')
    return response.end(String(answer.status))
  }
`,
  "import { createSocket } from 'node:dgram'",
)

/** An enclave with an app whose code and secrets are sealed, and a release that says so. */
async function withApp(
  change: { deployment?: string; config?: object; code?: string; word?: string } = {},
): Promise<Change> {
  const directory = temporaryFolder()
  const contentKeys = new Map<string, Uint8Array>()
  async function seal(file: string, content: Uint8Array): Promise<{ file: string; artifact: string }> {
    const contentKey = crypto.getRandomValues(new Uint8Array(32))
    const { id, sealed } = sealArtifact({
      contentKey,
      plaintextBytes: content.length,
      source: [content],
      metadata: '',
    })
    writeFileSync(join(directory, file), Buffer.concat(await Array.fromAsync(sealed)))
    contentKeys.set(id, contentKey)
    return { file, artifact: id }
  }
  const archive = archiveOf({ 'server.mjs': change.code ?? CODE })
  const app = { name: 'chat', sha256: sha256(archive) }
  const secrets = { deployment: change.deployment ?? 'chat', values: { API_KEY: 'hunter2' } }
  return {
    contentKeys,
    world: {
      release: (statement) =>
        statement.predicate.role === 'kms'
          ? statement
          : { ...statement, predicate: { ...statement.predicate, app } },
      policy: (policy) => ({ ...policy, apps: [app.sha256], require: [...policy.require, 'keys.app'] }),
    },
    config: {
      app: {
        name: 'chat',
        directory,
        code: { ...(await seal('code.sealed', archive)), sha256: app.sha256 },
        command: ['node', 'server.mjs', change.word ?? ''].filter((word) => word !== ''),
        secrets: { ...(await seal('secrets.sealed', utf8(JSON.stringify(secrets)))), names: ['API_KEY'] },
        healthcheck: { startSeconds: 20 },
      },
      ...change.config,
    },
  }
}

/** Whether a process of this machine is a Node with these words. */
function isRunning(words: string): boolean {
  return readdirSync('/proc').some((name) => {
    try {
      return (
        /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1').startsWith(`node\0${words}`)
      )
    } catch {
      return false
    }
  })
}

const ofApp = (path: string) => ({ method: 'GET', path, authority: 'app.sotto' })
const modelOf = ({ trailers }: OpenedAnswer): string => {
  const { payload } = parseDsse(utf8(parseReceiptTrailer(trailers[0]![1]).envelope))
  return (JSON.parse(fromUtf8(payload)) as { model: string }).model
}

describe.skipIf((await whyNotHere()) !== undefined)('an enclave with an app', () => {
  test('serves both behind one gateway, and receipts say which answered', async () => {
    const change = await withApp()
    const enclave = await start(change)
    const url = await enclave.ready
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    const secret = await ask(enclave, ofApp('/secret'))
    expect([secret.status, secret.text]).toEqual([200, 'hunter2'])
    const { sha256: digest } = (change.config as { app: { code: { sha256: string } } }).app.code
    expect(modelOf(secret)).toBe(digest)
    expect((await ask(enclave, ofApp('/embed'))).text).toBe('64')
    expect((await ask(enclave, ofApp('/owners'))).text).toBe('404')
    const embedded = await ask(enclave, json('/v1/embeddings', { model: EMBED.id, input: 'two words' }))
    expect(embedded.status).toBe(200)
    expect(modelOf(embedded)).not.toBe(digest)
    // Nothing of the app exists outside, whatever a request is called there.
    expect((await fetch(`${url}/secret`, { headers: { host: 'app.sotto' } })).status).toBe(404)
  })

  test('serves its models on where the app is gone for good, and says that it is', async () => {
    const enclave = await start(await withApp())
    const readyz = `${await enclave.ready}/readyz`
    await ask(enclave, ofApp('/second'))
    await expect
      .poll(async () => (await fetch(readyz)).json(), { timeout: 10_000 })
      .toEqual({ status: 'ready', degraded: 'APP_SECOND_PORT' })
    expect((await fetch(readyz)).status).toBe(200)
    const refused = await ask(enclave, ofApp('/secret'))
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
      503,
      { error: { code: 'app_second_port' } },
    ])
    const embedded = await ask(enclave, json('/v1/embeddings', { model: EMBED.id, input: 'two words' }))
    expect(embedded.status).toBe(200)
  })

  test('has not failed where it is ended while its app starts', async () => {
    const word = `starting-${process.pid}`
    const { running, stop } = await start(await withApp({ code: 'setInterval(() => undefined, 1000)', word }))
    // Its node, that is: other processes have the word before the app is begun.
    await expect.poll(() => isRunning(`server.mjs\0${word}`), { timeout: 10_000 }).toBe(true)
    await stop()
    const outcome = running.then(
      () => 'ended',
      (error: { code?: string }) => error.code,
    )
    // Its next look at its keys would come in half a minute.
    expect(['ended', 'goes on']).toContain(await Promise.race([outcome, sleep(500, 'goes on')]))
  })

  test('does not run with secrets of another deployment', async () => {
    const { running } = await start(await withApp({ deployment: 'other' }))
    await expect(running).rejects.toMatchObject({ code: 'APP_SECRETS_OTHER' })
  })

  test('does not run with an app that does not get healthy', async () => {
    const { running } = await start(await withApp({ code: 'process.exit(1)' }))
    await expect(running).rejects.toMatchObject({ code: 'APP_NOT_HEALTHY' })
  })
})

test('an enclave without an app serves none', async () => {
  const enclave = await start()
  await enclave.ready
  expect((await ask(enclave, ofApp('/health'))).status).toBe(421)
})

describe('a deployment that ends', () => {
  const seconds = (): number => Math.floor(Date.now() / 1000)

  test('asks for no keys when it starts too late', async () => {
    const enclave = await start({ config: { expiresAt: seconds() - 1 } })
    await expect(enclave.running).rejects.toMatchObject({ code: 'DEPLOYMENT_EXPIRED', action: 'stop' })
    expect(enclave.requests).toEqual([])
  })

  test('serves until then, and says why it does not any more', async () => {
    const enclave = await start({ config: { expiresAt: seconds() + 8 } })
    const url = await enclave.ready
    const asked = enclave.requests.length
    expect((await ask(enclave, json('/v1/embeddings', { model: EMBED.id, input: 'a' }))).status).toBe(200)
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 20_000 }).toBe(503)
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({
      status: 'not-ready',
      code: 'DEPLOYMENT_EXPIRED',
    })
    const refused = await fetch(`${url}/ohttp`, {
      method: 'POST',
      headers: { 'content-type': 'message/ohttp-chunked-req' },
      body: 'x',
    })
    expect([refused.status, await refused.json()]).toMatchObject([
      503,
      { error: { code: 'GATEWAY_EXPIRED', action: 'stop' } },
    ])
    expect((await fetch(`${url}/.well-known/ohttp-gateway`)).status).toBe(503)
    expect(enclave.requests).toHaveLength(asked)
  })
})
