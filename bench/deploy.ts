import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { APP_ORIGIN, connect, type Sotto } from '@sotto/client'
import { packCode } from '../packages/cli/src/deploy/app/pack.ts'
import type { Layout } from '../packages/cli/src/stack/layout.ts'
import { startStack } from '../packages/cli/src/stack/start.ts'
import type { Stack } from '../packages/cli/src/stack/types.ts'
import { runCommand } from './support/command.ts'
import { describeNoise, measureNoise } from './support/noise.ts'
import { median, show, spread } from './support/stats.ts'
import { openWorkspace } from './support/workspace.ts'

/**
 * Deployments on this machine: how long `sotto deploy` takes to the first answer of a service that was verified first; what
 * the whole way adds to an own app, beside calling the same program directly; and how 1, 2 and 4 enclaves behind one relay
 * do, also while they are started again one after the other.
 */
const APP = join(import.meta.dirname, 'support', 'deploy-app')
const REPLICAS = [1, 2, 4]
const CLIENTS = 16
const WARM_UP = 200

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const say = (text: string): void => void (values.json || console.log(text))

process.exitCode = await main()

async function main(): Promise<number> {
  const before = await measureNoise()
  say(describeNoise('before', before))
  const workspace = await openWorkspace()
  try {
    const deployMs = await measureDeploy(workspace.command)
    const overhead = await measureOverhead(workspace.layout)
    const replicas = []
    for (const count of REPLICAS) replicas.push(await measureReplicas(workspace.layout, count))
    const after = await measureNoise()
    say(describeNoise('after', after))
    if (values.json) console.log(JSON.stringify({ before, deployMs, overhead, replicas, after }))
    return replicas.some(({ lost }) => lost > 0) ? 1 : 0
  } finally {
    await workspace.remove()
  }
}

/** In an empty folder, and again with its state there: from the start of the command to its end, when it has an answer. */
async function measureDeploy(
  command: string,
): Promise<{ empty: number[]; again: number[]; unchanged: number[] }> {
  const found = { empty: [] as number[], again: [] as number[], unchanged: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    const home = await mkdtemp(join(tmpdir(), 'sotto-bench-deploy-'))
    const folder = join(home, 'app')
    const sotto = async (...args: string[]): Promise<number> => {
      const started = performance.now()
      const { code } = await runCommand(command, args, home).ended
      if (code !== 0) throw new Error(`sotto ${args.join(' ')} ended with ${code}`)
      return performance.now() - started
    }
    try {
      await sotto('init', 'app', '--template', 'chat')
      found.empty.push(await sotto('deploy', '-f', folder))
      found.unchanged.push(await sotto('deploy', '-f', folder))
      await sotto('stop', '-f', folder)
      found.again.push(await sotto('deploy', '-f', folder))
    } finally {
      await sotto('stop', '-f', folder, '--delete', '--yes').catch(() => undefined)
      await rm(home, { recursive: true, force: true })
    }
  }
  say('\nsotto deploy --target local of the chat example, to its first verified answer (min / median / max)')
  say(`  empty folder     ${show(spread(found.empty), 'ms')}`)
  say(`  state is there   ${show(spread(found.again), 'ms')}`)
  say(`  runs already     ${show(spread(found.unchanged), 'ms')}`)
  return found
}

interface Way {
  /** Milliseconds of one request alone, median. */
  aloneMs: number
  /** Requests a second, {@link CLIENTS} at once. */
  perSecond: number
  /** Seconds of 4 MiB down. */
  downMs: number
}

async function measureOverhead(layout: Layout): Promise<Record<'direct' | 'through', Way>> {
  const direct = await startDirect(layout)
  const stack = await startApp(layout, 1)
  try {
    const sotto = await connect(stack.relayUrl, { policy: stack.policy, gateway: stack.gateway })
    const ways = {
      direct: (path: string) => fetch(`${direct.url}${path}`),
      through: (path: string) => sotto.fetch(`${APP_ORIGIN}${path}`),
    }
    for (let request = 0; request < WARM_UP; request++)
      for (const way of Object.values(ways)) await (await way('/health')).arrayBuffer()
    const found = { direct: await measureWay(ways.direct), through: await measureWay(ways.through) }
    say('\nan own app, called directly and through relay, gateway and bridge')
    for (const [name, { aloneMs, perSecond, downMs }] of Object.entries(found))
      say(
        `  ${name.padEnd(8)} one request alone ${aloneMs.toFixed(2)} ms   ${CLIENTS} at once ${perSecond.toFixed(0)}/s   4 MiB ${downMs.toFixed(0)} ms`,
      )
    say(
      `  ratio    alone ${(found.through.aloneMs / found.direct.aloneMs).toFixed(1)}   throughput ${(found.through.perSecond / found.direct.perSecond).toFixed(3)}   4 MiB ${(found.through.downMs / found.direct.downMs).toFixed(1)}`,
    )
    return found
  } finally {
    await stack.close()
    direct.stop()
  }
}

async function measureWay(call: (path: string) => Promise<Response>): Promise<Way> {
  const alone: number[] = []
  const down: number[] = []
  for (let request = 0; request < 100; request++) alone.push(await timed(() => call('/health')))
  for (let request = 0; request < 10; request++) down.push(await timed(() => call('/bytes?4194304')))
  const { answered, elapsed } = await load(() => call('/health'), seconds * 1000)
  return { aloneMs: median(alone), downMs: median(down), perSecond: (answered / elapsed) * 1000 }
}

async function timed(call: () => Promise<Response>): Promise<number> {
  const started = performance.now()
  await (await call()).arrayBuffer()
  return performance.now() - started
}

async function measureReplicas(
  layout: Layout,
  count: number,
): Promise<{ replicas: number; perSecond: number; restartMs: number; duringRestart: number; lost: number }> {
  const stack = await startApp(layout, count)
  try {
    const sotto = await connect(stack.relayUrl, { policy: stack.policy, gateway: stack.gateway })
    const call = (): Promise<Response> => work(sotto)
    for (let request = 0; request < WARM_UP; request++) await (await call()).arrayBuffer()
    const { answered, elapsed } = await load(call, seconds * 1000)
    const perSecond = (answered / elapsed) * 1000
    say(`\n${count} enclaves behind one relay: ${perSecond.toFixed(0)} requests/s, ${CLIENTS} clients`)
    if (count === 1) return { replicas: count, perSecond, restartMs: 0, duringRestart: 0, lost: 0 }
    const over = new AbortController()
    const during = load(call, Infinity, over.signal)
    const started = performance.now()
    await stack.restartEnclaves()
    const restartMs = performance.now() - started
    over.abort()
    const { answered: duringRestart, lost } = await during
    say(
      `  started again one after the other in ${(restartMs / 1000).toFixed(1)} s: ${duringRestart} requests answered meanwhile, ${lost} lost`,
    )
    return { replicas: count, perSecond, restartMs, duringRestart, lost }
  } finally {
    await stack.close()
  }
}

/** Half a millisecond of work in the app: what is spread is computing, not waiting. */
function work(sotto: Sotto): Promise<Response> {
  return sotto.fetch(`${APP_ORIGIN}/work`)
}

async function load(
  call: () => Promise<Response>,
  ms: number,
  signal?: AbortSignal,
): Promise<{ answered: number; lost: number; elapsed: number }> {
  const started = performance.now()
  let answered = 0
  let lost = 0
  const client = async (): Promise<void> => {
    while (performance.now() - started < ms && signal?.aborted !== true) {
      try {
        const response = await call()
        await response.arrayBuffer()
        if (response.ok) answered++
        else lost++
      } catch {
        lost++
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return { answered, lost, elapsed: performance.now() - started }
}

async function startApp(layout: Layout, replicas: number): Promise<Stack & { close(): Promise<void> }> {
  const { tar, sha256 } = await packCode(APP)
  const stateFolder = await mkdtemp(join(tmpdir(), 'sotto-bench-stack-'))
  const stack = await startStack({
    layout,
    stateFolder,
    models: [],
    replicas,
    app: {
      name: 'bench',
      code: { tar, sha256, sealed: false },
      command: ['node', 'server.mjs'],
      env: {},
      port: 8080,
      healthcheck: { path: '/health', startSeconds: 60 },
      secrets: undefined,
      memoryBytes: 2 ** 30,
    },
  })
  return {
    ...stack,
    async close() {
      await stack.stop()
      await rm(stateFolder, { recursive: true, force: true })
    },
  }
}

/** The same program, by the Node of the image, without anything around it. */
async function startDirect(layout: Layout): Promise<{ url: string; stop(): void }> {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-bench-direct-'))
  await cp(APP, folder, { recursive: true })
  const port = await freePort()
  const child = spawn(join(layout.image('inference'), 'bin', 'node'), ['server.mjs'], {
    cwd: folder,
    env: { PORT: String(port) },
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}`
  for (let attempt = 0; attempt < 100; attempt++) {
    const isThere = await fetch(`${url}/health`).then(
      (response) => response.ok,
      () => false,
    )
    if (isThere) break
    await new Promise((done) => setTimeout(done, 50))
  }
  return {
    url,
    stop() {
      child.kill('SIGKILL')
      void rm(folder, { recursive: true, force: true })
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
