import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse } from '@sotto/protocol/dsse'
import { canonicalJson } from '@sotto/protocol/jcs'
import { printKey, type RoleHandle, startRoleProcess } from '../../packages/edge/test/process/role-process.ts'

export const ORIGIN = 'log.example/two-faces'
const TOKEN = 'a-token-of-at-least-thirty-two-characters'
const author = crypto.ed25519.generate()

/** A process of its own, with its own key and its own folder. */
export interface Party {
  key: string
  url: string
  folder: string
  start(): Promise<RoleHandle>
}

/** A folder for one test, and the processes that run in it. */
export function openFolder(): { folder: string; run(party: Party): Promise<RoleHandle> } {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-log-'))
  const running: RoleHandle[] = []
  onTestFinished(async () => {
    for (const role of running) await role.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })
  return {
    folder,
    async run(party) {
      const role = await party.start()
      running.push(role)
      return role
    },
  }
}

/** A free port of this machine. */
export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })
}

/** A witness of its own key, which watches the log of `logKey`; made before that is known. */
export async function witness(
  folder: string,
  name: string,
): Promise<Party & { watch(logKey: string): void }> {
  const port = await freePort()
  const file = join(folder, `${name}.json`)
  const config = (key: string): string =>
    JSON.stringify({
      name: `${name}.example/w`,
      listen: { port },
      store: join(folder, name),
      logs: [{ origin: ORIGIN, key }],
    })
  writeFileSync(file, config('nobody+00000000+AQ=='))
  return {
    key: await printKey('witness', file),
    url: `http://127.0.0.1:${port}`,
    folder: join(folder, name),
    watch: (logKey) => writeFileSync(file, config(logKey)),
    start: () => startRoleProcess('witness', file),
  }
}

/** A log. With `copyOf` it has the key and the history of another one, as an operator with two faces would. */
export async function log(
  folder: string,
  name: string,
  witnesses: readonly Pick<Party, 'key' | 'url'>[],
  copyOf?: Party,
): Promise<Party> {
  const port = await freePort()
  const store = join(folder, name)
  if (copyOf !== undefined) cpSync(copyOf.folder, store, { recursive: true })
  const file = join(folder, `${name}.json`)
  const config = {
    origin: ORIGIN,
    listen: { port },
    store,
    witnesses: witnesses.map(({ key, url }) => ({ key, url })),
    quorum: witnesses.length,
    batchMs: 1,
    appendWaitMs: 5000,
  }
  writeFileSync(file, JSON.stringify(config))
  return {
    key: await printKey('log', file),
    url: `http://127.0.0.1:${port}`,
    folder: store,
    start: () => startRoleProcess('log', file, { SOTTO_LOG_APPEND_TOKEN: TOKEN }),
  }
}

/** Appends an entry; the status and code of what the log answers. */
export async function append(party: Party, text: string): Promise<{ status: number; code?: string }> {
  const envelope = signDsse('application/test+json', canonicalJson({ text }), [
    { publicKey: author.publicKey, secretSeed: author.seed },
  ])
  const answer = await fetch(`${party.url}/log/entries`, {
    method: 'POST',
    body: envelope as Uint8Array<ArrayBuffer>,
    headers: { authorization: `Bearer ${TOKEN}` },
  })
  const { error } = (await answer.json()) as { error?: { code: string } }
  return { status: answer.status, ...(error && { code: error.code }) }
}
