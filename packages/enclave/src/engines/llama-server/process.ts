import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from '@sotto/protocol/errors'
import { engineError } from '../errors.ts'
import { availablePrograms } from '../../sandbox/index.ts'
import { ServerClient } from '../upstream/server-client.ts'
import { serverFlags, type ServerFlags } from './flags.ts'

/** All that is ever asked of the server. */
const ROUTES = ['GET /health', 'POST /completion'] as const

/** The only silence of a server that is no fault: a long prompt. The host's own bound is shorter where it matters. */
const IDLE_MS = 600_000
const POLL_MS = 10

/** What {@link startServer} needs. */
export interface ServerStart extends Omit<ServerFlags, 'model' | 'adapter' | 'socket'> {
  /** The llama-server. */
  readonly program: string
  /** `/proc/self/fd/N` of the model in this process. */
  readonly modelPath: string
  /** The same of its adapter, where it has one. */
  readonly adapterPath?: string
  /** Told when it ends, after it was ready. */
  readonly onExit: () => void
}

/**
 * Starts a llama-server in this process's sandbox: same uid, no network, empty directory, no file writes. It listens on
 * an abstract Unix socket, which has no name on any disk, exists in this network namespace only, and takes requests with
 * a key that was drawn just now. It dies with this process.
 *
 * @throws `ENGINE_MODEL_INVALID` when it ends instead of getting ready, `ENGINE_LOAD_FAILED`
 */
export async function startServer(start: ServerStart): Promise<ServerClient> {
  const { setpriv } = availablePrograms()
  // Whoever outlived this process would keep weights and prompts in memory, and nobody would know.
  if (setpriv === undefined)
    throw engineError('ENGINE_LOAD_FAILED', 'no setpriv here: nothing would end the server with its engine')
  const { modelPath, adapterPath } = start
  const descriptors = [modelPath, ...(adapterPath === undefined ? [] : [adapterPath])].map(descriptorOf)
  const socket = `sotto-${randomBytes(16).toString('hex')}.sock`
  const apiKey = randomBytes(32).toString('hex')
  const flags = serverFlags({
    ...start,
    model: '/proc/self/fd/3',
    ...(adapterPath !== undefined && { adapter: '/proc/self/fd/4' }),
    socket,
  })
  const server = spawn(setpriv, ['--pdeathsig', 'KILL', start.program, ...flags], {
    stdio: ['ignore', 'ignore', 'ignore', ...descriptors],
    // Not on the command line, which every process can read.
    env: { HOME: process.cwd(), LANG: 'C.UTF-8', LLAMA_API_KEY: apiKey },
  })
  const client = new ServerClient({
    address: { socketPath: `\0${socket}` },
    routes: ROUTES,
    apiKey: () => apiKey,
    idleMs: IDLE_MS,
  })
  await ready(server, client)
  server.once('exit', start.onExit)
  if (server.exitCode !== null || server.signalCode !== null) start.onExit()
  return client
}

function descriptorOf(path: string): number {
  return Number(/^\/proc\/self\/fd\/(\d+)$/.exec(path)?.[1])
}

async function ready(server: ChildProcess, client: ServerClient): Promise<void> {
  let isGone = false
  server.once('exit', () => (isGone = true))
  server.once('error', () => (isGone = true))
  for (;;) {
    // How long this may go on is the host's to say: it ends this process.
    await sleep(POLL_MS)
    if (isGone) throw engineError('ENGINE_MODEL_INVALID', 'llama-server does not accept the model')
    try {
      if ((await client.status({ route: 'GET /health' })) === 200) return
    } catch (error) {
      if (!hasCode(error, 'ENGINE_CRASHED')) throw error
    }
  }
}
