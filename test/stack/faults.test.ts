import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { claim } from '../claims.ts'
import type { Sotto } from '@sotto/client'
import { startProxy } from '@sotto/client/proxy'
import type { KmsState } from '@sotto/protocol/evidence'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse } from '@sotto/protocol/dsse'
import { launch } from '../../packages/cli/src/software-tee/launch.ts'
import { openMachine } from '../../packages/cli/src/software-tee/machine.ts'
import { startEdge } from '../../packages/cli/src/stack/edge-roles.ts'
import { appendToLog, callJson } from '../../packages/cli/src/stack/http.ts'
import { signKeyImport } from '../../packages/cli/src/stack/models.ts'
import { openSecret, openSigner, openState } from '../../packages/cli/src/stack/state.ts'
import { verifyKms } from '../../packages/cli/src/stack/verify-kms.ts'
import { stillServes } from './still-serves.ts'
import {
  chat,
  childrenOf,
  clientOf,
  embed,
  isRunning,
  startTestStack,
  type TestStack,
  urlOf,
} from './support.ts'

let stack: TestStack
let sotto: Sotto
let folder: string
/** Stores on disks of their own, so small that they can be filled; absent where mounting is not permitted. */
let disks: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-test-'))
  const stores = ['log', 'kms'].map((role) => join(folder, 'store', role))
  try {
    for (const store of stores) {
      mkdirSync(store, { recursive: true, mode: 0o700 })
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'sotto-test', store], {
        stdio: 'pipe',
      })
      disks.push(store)
    }
  } catch {
    process.stderr.write('skipped: full disks need the right to mount a small tmpfs\n')
    for (const disk of disks.splice(0)) execFileSync('umount', [disk])
  }
  stack = await startTestStack({ stateFolder: folder })
  sotto = await clientOf(stack)
})
afterAll(async () => {
  await stack?.stop()
  for (const disk of disks) execFileSync('umount', [disk])
  rmSync(folder, { recursive: true, force: true })
})

const roleOf = (name: string): TestStack['roles'][number] =>
  stack.roles.findLast((role) => role.name === name)!

/** Starts a role of the stack again, as `sotto up` would, from the configuration it had. */
async function restart(name: 'relay' | 'kms' | 'inference'): Promise<void> {
  const state = await openState(folder)
  const token = await openSecret(state.key('append-token'))
  if (name === 'relay') {
    const config = JSON.parse(await readFile(state.config('relay'), 'utf8')) as object
    stack.roles.push(await startEdge({ layout: stack.layout, state }, 'relay', config))
    return
  }
  stack.roles.push(
    await launch({
      name,
      machine: await openMachine(state.machine),
      image: stack.layout.image(name),
      config: state.config(name),
      logFile: state.log(name),
      env: name === 'kms' ? { SOTTO_LOG_APPEND_TOKEN: token } : {},
    }),
  )
}

describe('a full disk', () => {
  const fill = (disk: string): (() => void) => {
    const filler = join(disk, 'filler')
    // Down to the last block: a store may still find room where a large write does not.
    for (let bytes = 2 ** 20; bytes >= 512;) {
      try {
        writeFileSync(filler, Buffer.alloc(bytes), { flag: 'a' })
      } catch {
        bytes = Math.floor(bytes / 2)
      }
    }
    return () => rmSync(filler)
  }
  const envelope = async (): Promise<Uint8Array> => {
    const { seed, publicKey } = await openSigner(join(folder, 'keys', 'owner'))
    // Large, so that no room left over from before takes it.
    const padding = toHex(crypto.randomBytes(20_000))
    return signDsse('application/vnd.sotto.test+json', utf8(`{"padding":"${padding}"}`), [
      { secretSeed: seed, publicKey },
    ])
  }

  it('of the log is said, and passes', async ({ skip }) => {
    if (disks.length === 0) skip('mounting is not permitted here')
    const token = await openSecret(join(folder, 'keys', 'append-token'))
    const empty = fill(disks[0]!)
    await expect(appendToLog(urlOf(stack, 'log'), token, await envelope())).rejects.toMatchObject({
      code: 'LOG_STORE_FULL',
      action: 'retry',
    })
    await stillServes(sotto)
    empty()
    expect(await appendToLog(urlOf(stack, 'log'), token, await envelope())).toBeGreaterThan(3)
  })

  it('of the KMS is said, and passes', async ({ skip }) => {
    if (disks.length === 0) skip('mounting is not permitted here')
    const [kms, log] = [urlOf(stack, 'kms'), urlOf(stack, 'log')]
    const owner = await openSigner(join(folder, 'keys', 'owner'))
    const service = await verifyKms(kms, log, stack.policy, Math.floor(Date.now() / 1000))
    const importOne = (): Promise<unknown> => {
      const id = toHex(crypto.randomBytes(16))
      const model = { id, name: 'x', file: 'x', bytes: 1, contentKey: crypto.randomBytes(32) }
      const body = signKeyImport(model, service, owner) as Uint8Array<ArrayBuffer>
      return callJson(`${kms}/v1/artifacts/${id}/key`, { method: 'POST', body })
    }
    await importOne()
    const empty = fill(disks[1]!)
    const failures: unknown[] = []
    // The write-ahead log has room of its own for a few records.
    for (let i = 0; i < 200 && failures.length === 0; i++)
      await importOne().catch((e: unknown) => failures.push(e))
    expect(failures[0]).toMatchObject({
      code: expect.stringMatching(/^KMS_STORE_(FULL|FAILED)$/),
      action: 'retry',
    })
    await stillServes(sotto)
    await clientOf(stack)
    empty()
    await vi.waitFor(importOne, { timeout: 5000, interval: 200 })
  })
})

describe('a killed part', { timeout: 60_000 }, () => {
  const engines = (): number[] => childrenOf(roleOf('inference').pid)
  const signalAll = (pids: number[], signal: NodeJS.Signals): void => {
    for (const pid of pids) process.kill(pid, signal)
  }

  it('relay, in the middle of a streamed answer: never taken for the end of it', async () => {
    const response = await chat(sotto, 'Tell me a long story', {
      stream: true,
      max_tokens: 1000,
      temperature: 1,
    })
    expect(response.status).toBe(200)
    const reader = response.body!.getReader()
    await reader.read()
    // Stopped, so that the answer cannot end before the relay does.
    const stopped = engines()
    signalAll(stopped, 'SIGSTOP')
    process.kill(roleOf('relay').pid, 'SIGKILL')
    await roleOf('relay').ended
    let text = ''
    const failure = await (async () => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return undefined
        text += new TextDecoder().decode(value)
      }
    })().catch((error: unknown) => error)
    signalAll(stopped, 'SIGCONT')
    expect(failure).toMatchObject({ code: 'RESPONSE_TRUNCATED', action: 'retry' })
    expect(text).not.toContain('[DONE]')
    await expect(sotto.receiptOf(response)).rejects.toMatchObject({ code: 'RESPONSE_TRUNCATED' })
    await expect(embed(sotto, 'x')).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE', action: 'retry' })
    await restart('relay')
    await stillServes(sotto)
  })

  it('engine, in the middle of a request: that request fails, the next one succeeds', async () => {
    const stopped = engines()
    signalAll(stopped, 'SIGSTOP')
    const pending = embed(sotto, 'in the middle')
    await new Promise((resolve) => setTimeout(resolve, 200))
    signalAll(stopped, 'SIGKILL')
    const response = await pending
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { type: 'server_error', code: 'engine_crashed' } })
    await stillServes(sotto)
    const said = await chat(sotto, 'Who can read my words?')
    expect(said.status).toBe(200)
    await said.text()
    expect(engines().some((pid) => stopped.includes(pid))).toBe(false)
  })

  it('engine, in the middle of a streamed answer: an SDK is told why, and never that it was complete', async () => {
    let response!: Response
    const fetch: typeof sotto.fetch = async (...args) => (response = await sotto.fetch(...args))
    const proxy = await startProxy({ sotto: { fetch, trust: sotto.trust, receipts: [] }, port: 0 })
    const openai = { apiKey: 'unused', maxRetries: 0 }
    const clients = [
      new OpenAI({ ...openai, baseURL: `${proxy.url}/v1` }),
      new OpenAI({ ...openai, baseURL: sotto.baseURL, fetch }),
    ]
    try {
      for (const client of clients) {
        const stream = await client.chat.completions.create({
          model: 'sotto-tiny-story-en',
          messages: [{ role: 'user', content: 'Tell me a long story' }],
          stream: true,
          max_tokens: 1000,
          // Without chance it goes on until the context is full.
          temperature: 0,
        })
        const read = async (): Promise<void> => {
          let isFirst = true
          for await (const _ of stream) {
            if (isFirst) signalAll(engines(), 'SIGKILL')
            isFirst = false
          }
        }
        await expect(read()).rejects.toMatchObject({ code: 'engine_crashed', type: 'server_error' })
        await expect(sotto.receiptOf(response)).rejects.toMatchObject({ code: 'RESPONSE_TRUNCATED' })
        await stillServes(sotto)
      }
    } finally {
      await proxy.close()
    }
  })

  it(
    claim('T4', 'KMS, kill -9: comes back with its genesis and new keys; meanwhile the enclave serves'),
    async () => {
      const before = await callJson<KmsState>(`${urlOf(stack, 'kms')}/v1/keys`)
      process.kill(roleOf('kms').pid, 'SIGKILL')
      await roleOf('kms').ended
      await stillServes(sotto)
      await clientOf(stack)
      await restart('kms')
      const after = await callJson<KmsState>(`${urlOf(stack, 'kms')}/v1/keys`)
      expect(after.genesis).toEqual(before.genesis)
      // Request keys were in memory only: whoever has the disk has none of them.
      expect(idsOf(after).filter((id) => idsOf(before).includes(id))).toEqual([])
      await stillServes(sotto)
    },
  )

  it('enclave, in the middle of a request: the client hears it, and a new one serves', async () => {
    const stopped = engines()
    signalAll(stopped, 'SIGSTOP')
    const pending = embed(sotto, 'in the middle').then(
      () => undefined,
      (error: unknown) => error,
    )
    await new Promise((resolve) => setTimeout(resolve, 200))
    process.kill(roleOf('inference').pid, 'SIGKILL')
    expect(await pending).toMatchObject({
      code: expect.stringMatching(/^(RELAY_REFUSED|RESPONSE_TRUNCATED|RELAY_UNREACHABLE)$/),
      action: 'retry',
    })
    await vi.waitFor(() => expect(stopped.filter(isRunning)).toEqual([]), { timeout: 3000 })
    await restart('inference')
    await stillServes(sotto)
    await (await clientOf(stack)).fetch(`${sotto.baseURL}/models`)
  })
})

function idsOf({ keySet }: KmsState): number[] {
  const { payload } = JSON.parse(keySet.envelope) as { payload: string }
  const { keys } = JSON.parse(Buffer.from(payload, 'base64').toString()) as { keys: { keyId: number }[] }
  return keys.map(({ keyId }) => keyId)
}
