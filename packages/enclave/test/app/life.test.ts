import type * as fileSystem from 'node:fs'
import { openSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openCode } from '../../src/app/code.ts'
import { appEnvironment } from '../../src/app/environment.ts'
import { forward } from '../../src/app/forward.ts'
import { Life, type LifeOptions } from '../../src/app/life.ts'
import { unmeasuredAppProgram } from '../../src/app/program.ts'
import { probeAppSandbox } from '../../src/app/sandbox/probe.ts'
import { createByteBudget } from '../../src/ram/byte-budget.ts'
import { APP_UIDS, makeEmptyDirectory } from '../../src/sandbox/index.ts'
import type { CapsuleKind } from '../../src/sandbox/kind.ts'
import { configOf, noApi, server, temporaryFolder, whyNotHere } from './real-app.ts'

/** What the kernel refuses, by path. */
const refused: RegExp[] = []

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof fileSystem>()
  const refuse = (path: unknown): void => {
    if (refused.some((each) => each.test(String(path))))
      throw Object.assign(new Error('ESRCH'), { code: 'ESRCH' })
  }
  return {
    ...fs,
    openSync: (path: string, ...rest: [number]) => (refuse(path), fs.openSync(path, ...rest)),
    readlinkSync: (path: string) => {
      refuse(path)
      // As if it had a network of its own.
      return path.endsWith('/ns/net') && path.includes('/fd/') ? 'net:[1]' : fs.readlinkSync(path)
    },
  }
})

beforeEach(() => void refused.splice(0))

/** A life whose capsule is a script: it stands where the first program of a capsule does. */
function lifeOf(script: string, change: Partial<LifeOptions> = {}): LifeOptions {
  const folder = temporaryFolder()
  const first = join(folder, 'first')
  writeFileSync(first, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const archive = openSync('/dev/null', 0)
  const programs = { prlimit: first } as CapsuleKind['programs']
  return {
    kind: { as: 'root', programs, loopback: [], filter: [] },
    content: { uids: { app: 1, bridge: 2 }, stage: folder, node: process.execPath, memoryBytes: 2 ** 30 },
    archive,
    command: ['true'],
    environment: {},
    api: noApi,
    verify: async () => undefined,
    ...change,
  }
}

/** Processes that were called with a word. */
function calledWith(word: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(word)
    } catch {
      return false
    }
  })
}

describe('a life that cannot be begun', () => {
  it('leaves no capsule behind where nothing more can be opened', async () => {
    const options = lifeOf('while :; do sleep 0.1; done')
    refused.push(/^\/proc\/\d+$/)
    await expect(Life.start(options)).rejects.toMatchObject({ code: 'APP_START_FAILED', action: 'retry' })
    await expect.poll(() => calledWith(options.content.stage)).toEqual([])
  })

  it.each<[string, RegExp]>([
    ['its network is looked at', /\/ns\/net$/],
    ['its folder is entered', /\/root\/link$/],
  ])('fails by name where the capsule ends while %s', async (_, path) => {
    const options = lifeOf(`printf '%s\\nready\\n' $$ >&3; while :; do sleep 0.1; done`)
    refused.push(path)
    await expect(Life.start(options)).rejects.toMatchObject({ code: 'APP_START_FAILED', action: 'retry' })
    await expect.poll(() => calledWith(options.content.stage)).toEqual([])
  })
})

describe.skipIf((await whyNotHere()) !== undefined)('a life that ends', () => {
  /** An app in the real sandbox of this machine. */
  async function live(more: string, before = '', word = 'server'): Promise<Life> {
    const stage = makeEmptyDirectory()
    const uids = { app: APP_UIDS.first, bridge: APP_UIDS.first + 1 }
    const { kind } = await probeAppSandbox({ uids, stage, require: 'best-effort' })
    const config = configOf({ 'server.mjs': server(more, before) })
    const code = await openCode(config, new Map())
    const ports = { port: 8080, apiPort: 61_080 }
    const { folder, bridge, unpack, node } = unmeasuredAppProgram()
    const program = { folder, bridge, unpack, archiveBytes: code.bytes, ...ports }
    const life = await Life.start({
      kind,
      content: { uids, stage, node, memoryBytes: 2 ** 30, program },
      archive: code.fd,
      command: ['node', 'server.mjs', word],
      environment: appEnvironment(ports),
      api: noApi,
      verify: async () => undefined,
    })
    onTestFinished(async () => {
      life.end()
      await life.ended
      code.close()
      rmdirSync(stage)
    })
    await vi.waitFor(async () => expect(await (await ask(life, '/health')).text()).toBe('well'), 10_000)
    return life
  }
  const budget = createByteBudget(2 ** 20, () => new Error('full'))
  const ask = ({ agent }: Life, path: string): Promise<Response> =>
    forward(new Request(`https://app.sotto${path}`), { agent, budget, idleMs: 10_000 })

  it('is over when all of it is gone, and not before', async () => {
    const word = `life-${process.pid}-${Date.now()}`
    const children = `
      import { spawn } from 'node:child_process'
      const held = Buffer.alloc(2 ** 28, 1)
      for (let i = 0; i < 8; i++) spawn(process.execPath, ['-e', 'const held = Buffer.alloc(2 ** 26, 1); setInterval(() => held, 1000)', process.argv[2]])
    `
    const life = await live('', children, word)
    await vi.waitFor(() => expect(calledWith(word).length).toBeGreaterThan(8), 10_000)
    life.end()
    await life.ended
    expect(calledWith(word)).toEqual([])
  })

  it('refuses every request that waits for a connection, and breaks nothing else', async () => {
    const life = await live(`if (request.url === '/hang') return`)
    life.agent.maxSockets = 1
    const refusals = Promise.allSettled(['/hang', '/health', '/health'].map((path) => ask(life, path)))
    await vi.waitFor(() => expect(Object.values(life.agent.requests).flat()).toHaveLength(2))
    life.end()
    const codes = (await refusals).map((each) => (each as { reason?: { code: string } }).reason?.code)
    // Of the first one it depends on whether its connection was used before.
    const first = expect.stringMatching(/^APP_(?:NO_ANSWER|RESTARTING)$/) as unknown
    expect(codes).toEqual([first, 'APP_RESTARTING', 'APP_RESTARTING'])
  })
})
