import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startEdge } from '../packages/cli/src/stack/edge-roles.ts'
import { choosePorts } from '../packages/cli/src/stack/ports.ts'
import { openState } from '../packages/cli/src/stack/state.ts'
import { applyLoad } from './support/http-load.ts'
import { describeNoise, measureNoise } from './support/noise.ts'
import { cpuMsOf } from './support/proc.ts'
import { median, show, spread, type Spread } from './support/stats.ts'
import { openWorkspace } from './support/workspace.ts'

/**
 * The relay beside the least a Node proxy can do, and beside no proxy: requests per second, CPU time
 * of the proxy per request, and latency it adds. All on loopback, in turn.
 */
const SIZES = [
  { name: '1 KiB', bytes: 1024 },
  { name: '1 MiB', bytes: 2 ** 20 },
] as const
const CONNECTIONS = 16

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const say = (text: string): void => void (values.json || console.log(text))

/** A way to the echo server, and the process in between. */
interface Way {
  url: string
  pid?: number
}

/** One way's figures over all rounds. */
interface Figures {
  perSecond: Spread
  /** Of a single connection. */
  latencyMs: Spread
  /** Of the process in between, per request under load. */
  cpuMicroseconds: number | undefined
}

type WayName = 'direct' | 'plain' | 'relay'

process.exitCode = await main()

async function main(): Promise<number> {
  const before = await measureNoise()
  say(describeNoise('before', before))
  const workspace = await openWorkspace()
  const folder = await mkdtemp(join(tmpdir(), 'sotto-bench-relay-'))
  const children: ChildProcess[] = []
  const startPart = async (file: string, ...args: string[]): Promise<{ port: number; pid: number }> => {
    const child = fork(join(import.meta.dirname, 'support', file), args)
    children.push(child)
    const port = await new Promise<number>((resolve) =>
      child.once('message', (found) => resolve(found as number)),
    )
    return { port, pid: child.pid! }
  }
  try {
    const echo = await startPart('echo-server.ts')
    const plain = await startPart('plain-proxy.ts', String(echo.port))
    const state = await openState(folder)
    const { ports, giveBack } = await choosePorts(join(folder, 'ports.json'), ['relay'])
    const port = ports.relay
    const relay = await startEdge({ layout: workspace.layout, state }, 'relay', {
      listen: { host: '127.0.0.1', port },
      gateways: { echo: `http://127.0.0.1:${echo.port}` },
    })
    try {
      const ways: Record<WayName, Way> = {
        direct: { url: `http://127.0.0.1:${echo.port}/ohttp` },
        plain: { url: `http://127.0.0.1:${plain.port}/ohttp`, pid: plain.pid },
        relay: { url: `http://127.0.0.1:${port}/relay/echo`, pid: relay.pid },
      }
      const results: Record<string, Record<WayName, Figures>> = {}
      for (const { name, bytes } of SIZES) {
        results[name] = await compare(ways, randomBytes(bytes))
        print(name, bytes, results[name])
      }
      const after = await measureNoise()
      say(describeNoise('after', after))
      if (values.json) console.log(JSON.stringify({ before, results, after }))
      return 0
    } finally {
      await relay.stop()
      giveBack()
    }
  } finally {
    for (const child of children) child.kill()
    await rm(folder, { recursive: true, force: true })
    await workspace.remove()
  }
}

async function compare(ways: Record<WayName, Way>, body: Uint8Array): Promise<Record<WayName, Figures>> {
  const ms = Number(values.seconds) * 1000
  const names = Object.keys(ways) as WayName[]
  const found = new Map(
    names.map((name) => [name, { perSecond: [] as number[], latency: [] as number[], cpu: [] as number[] }]),
  )
  for (const name of names) await applyLoad(ways[name].url, body, CONNECTIONS, ms)
  for (let round = 0; round < Number(values.rounds); round++) {
    // There and back: no way always comes first.
    for (const name of round % 2 ? names.toReversed() : names) {
      const { url, pid } = ways[name]
      const { perSecond, latency, cpu } = found.get(name)!
      latency.push(median((await applyLoad(url, body, 1, ms / 2)).latencies))
      const since = pid === undefined ? 0 : cpuMsOf(pid)
      const load = await applyLoad(url, body, CONNECTIONS, ms)
      perSecond.push(load.perSecond)
      if (pid !== undefined) cpu.push(((cpuMsOf(pid) - since) * 1000) / load.requests)
    }
  }
  return Object.fromEntries(
    [...found].map(([name, { perSecond, latency, cpu }]) => [
      name,
      {
        perSecond: spread(perSecond),
        latencyMs: spread(latency),
        cpuMicroseconds: cpu.length ? median(cpu) : undefined,
      },
    ]),
  ) as Record<WayName, Figures>
}

function print(name: string, bytes: number, figures: Record<WayName, Figures>): void {
  say(`\n${name} each way, ${values.rounds} rounds (min / median / max)`)
  for (const [way, { perSecond, latencyMs, cpuMicroseconds }] of Object.entries(figures)) {
    const rate = bytes < 2 ** 20 ? '' : ` (${((perSecond.median * bytes) / 2 ** 20).toFixed(0)} MiB/s)`
    const cpu = cpuMicroseconds === undefined ? '' : `   its CPU ${cpuMicroseconds.toFixed(0)} µs a request`
    say(
      ` ${way.padEnd(7)} ${show(perSecond, 'req/s', 0)}${rate} at ${CONNECTIONS} connections; ` +
        `${show(latencyMs, 'ms', 2)} at one${cpu}`,
    )
  }
  const { direct, plain, relay } = figures
  say(
    ` relay beside the plain proxy: ${(relay.perSecond.median / plain.perSecond.median).toFixed(2)} x the throughput, ` +
      `${(relay.cpuMicroseconds! / plain.cpuMicroseconds!).toFixed(2)} x the CPU`,
  )
  const added = (one: Figures): string => (one.latencyMs.median - direct.latencyMs.median).toFixed(2)
  say(` added to a request alone: relay ${added(relay)} ms, plain proxy ${added(plain)} ms`)
}
