import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, closeSync, constants, openSync, readlinkSync } from 'node:fs'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import type { App } from '@sotto/serve/errors'
import { type RunningServer, startServer } from '@sotto/serve/server'
import { API_SOCKET, APP_SOCKET } from './bridge/bridge.ts'
import { appScript } from './environment.ts'
import { appError } from './errors.ts'
import { type Listener, listenersOf } from './listeners.ts'
import type { CapsuleContent, CapsuleKind } from './sandbox/capsule-parts.ts'
import { capsuleCommand } from './sandbox/capsule.ts'
import { READY_DESCRIPTOR } from './sandbox/descriptors.ts'

/** How to start an app once. */
export interface LifeOptions {
  readonly kind: CapsuleKind
  readonly content: CapsuleContent
  /** Descriptor of the archive with its code. */
  readonly archive: number
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** The inner API, as the app may use it. */
  readonly api: App
  /** Whether our own programs are still what was measured; looked at before they run, and before the app does. */
  verify(): Promise<void>
}

/** Unpacking the largest archive takes some seconds. */
const READY_MS = 60_000
/** Connections to the bridge at once, and how long an idle one is kept: less than any server closes it after. */
const MAX_CONNECTIONS = 512
const MAX_IDLE_CONNECTIONS = 32
const IDLE_MS = 1000

/** One life of an app with its namespaces and its bridge: started, used, ended. Nothing of it is left afterwards. */
export class Life {
  /** Resolves with the exit status when all of it is gone; undefined where a signal ended it. */
  readonly ended: Promise<number | undefined>
  /** Connections to the app. */
  readonly agent: Agent
  private readonly process: ChildProcess
  /** `/proc/PID` of the process that the namespaces are those of: no other process ever, whatever becomes of the number. */
  private readonly proc: number
  private link: number | undefined
  private serving: Promise<RunningServer> | undefined
  private isOver = false

  /**
   * Starts capsule, bridge and app. What the app does from here on is up to it.
   * @throws `APP_START_FAILED`, `ENGINE_PROGRAM_CHANGED`
   */
  static async start(options: LifeOptions): Promise<Life> {
    await options.verify()
    const life = new Life(options)
    try {
      await life.bridged()
      await life.serve(options.api)
      await options.verify()
      life.begin(options.environment)
      return life
    } catch (error) {
      life.end()
      await life.ended
      throw error
    }
  }

  private constructor({ kind, content, archive, command }: LifeOptions) {
    const words = capsuleCommand(kind, content, command)
    this.process = spawn(words[0]!, words.slice(1), {
      cwd: '/',
      env: {},
      // What an app says could be what it was asked. Then: see `descriptors.ts`.
      stdio: ['pipe', 'ignore', 'ignore', 'pipe', archive],
      // A terminal's Ctrl-C is for the host, which then ends its app in order.
      detached: true,
    })
    const { pid } = this.process
    this.ended = new Promise((resolve) => {
      this.process.once('exit', (code) => resolve(code ?? undefined))
      this.process.once('error', () => resolve(undefined))
    })
    this.proc = pid === undefined ? -1 : openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY)
    this.agent = new Agent({
      keepAlive: true,
      maxSockets: MAX_CONNECTIONS,
      maxFreeSockets: MAX_IDLE_CONNECTIONS,
      timeout: IDLE_MS,
    })
    this.agent.createConnection = () => connect({ path: `${this.folder()}/${APP_SOCKET}` })
    // It may end before it has read anything.
    this.stdin.on('error', () => undefined)
    void this.ended.then(() => this.leave())
  }

  /** What listens beside the app, on whatever protocol. */
  listeners(): Listener[] {
    return this.isOver ? [] : listenersOf(`/proc/self/fd/${this.proc}/net`)
  }

  /** Ends all of it at once: the kernel ends a namespace with its first process. */
  end(): void {
    this.process.kill('SIGKILL')
  }

  private get stdin(): Writable {
    return this.process.stdin!
  }

  /** Waits until the bridge says that it listens, and enters the folder of its sockets. */
  private async bridged(): Promise<void> {
    const channel = this.process.stdio[READY_DESCRIPTOR] as Readable | Duplex | undefined
    const said = new Promise<boolean>((resolve) => {
      channel?.once('data', () => resolve(true))
      channel?.once('error', () => resolve(false))
    })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, READY_MS, 'late')
    })
    const first = await Promise.race([said, late, this.ended])
    clearTimeout(timer)
    if (first !== true)
      throw failed(first === 'late' ? 'it takes too long' : `it ended with ${String(first)}`)
    const isApart = readlinkSync(`/proc/self/fd/${this.proc}/ns/net`) !== readlinkSync('/proc/self/ns/net')
    if (!isApart) throw failed('it has no network of its own')
    this.link = openSync(
      `/proc/self/fd/${this.proc}/root/link`,
      constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
    )
  }

  private async serve(api: App): Promise<void> {
    const path = `${this.folder()}/${API_SOCKET}`
    this.serving = startServer(api, { host: '', port: 0, path, drainMs: 0 })
    await this.serving
    // Only the bridge can enter the folder, which may have another uid than we.
    chmodSync(`${this.folder()}/${API_SOCKET}`, 0o666)
  }

  private begin(environment: Readonly<Record<string, string>>): void {
    this.stdin.end(`go\n${appScript(environment)}`)
  }

  /** By a descriptor: a path would lead elsewhere once the process is gone. */
  private folder(): string {
    if (this.isOver || this.link === undefined) throw appError('APP_RESTARTING', 'the app has ended')
    return `/proc/self/fd/${this.link}`
  }

  private async leave(): Promise<void> {
    this.isOver = true
    this.agent.destroy()
    // A server removes its socket when it closes, by a path that is through this descriptor.
    await this.serving?.then((server) => server.close()).catch(() => undefined)
    for (const fd of [this.link, this.proc]) if (fd !== undefined && fd >= 0) closeSync(fd)
  }
}

function failed(found: string): Error {
  return appError('APP_START_FAILED', 'the app could not be started', {
    expected: 'namespaces, the unpacked code and a bridge',
    found,
  })
}
