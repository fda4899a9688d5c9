import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, closeSync, constants, openSync, readlinkSync } from 'node:fs'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import { SottoError } from '@sotto/protocol/errors'
import type { App } from '@sotto/serve/errors'
import { type RunningServer, startServer } from '@sotto/serve/server'
import { READY_DESCRIPTOR } from '../sandbox/descriptors.ts'
import type { CapsuleKind } from '../sandbox/kind.ts'
import { openFirst, openProcess, untilGone } from '../sandbox/process.ts'
import { API_SOCKET, APP_SOCKET } from './bridge/bridge.ts'
import { appScript } from './environment.ts'
import { appError } from './errors.ts'
import { type Listener, listenersOf } from './listeners.ts'
import type { CapsuleContent } from './sandbox/capsule-parts.ts'
import { capsuleCommand } from './sandbox/capsule.ts'

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
  /** The same of the first process in them, which is gone after all others; undefined until it has said its number. */
  private first: number | undefined
  private link: number | undefined
  private serving: Promise<RunningServer> | undefined
  private isOver = false

  /**
   * Starts capsule, bridge and app. What the app does from here on is up to it.
   * @throws `APP_START_FAILED`, `ENGINE_PROGRAM_CHANGED`
   */
  static async start(options: LifeOptions): Promise<Life> {
    await options.verify()
    const life = Life.spawn(options)
    try {
      await life.join(options.api)
      await options.verify()
      life.begin(options.environment)
      return life
    } catch (error) {
      life.end()
      await life.ended
      throw error
    }
  }

  private static spawn(options: LifeOptions): Life {
    try {
      return new Life(options)
    } catch (cause) {
      throw failed('no process', cause)
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
    const exited = new Promise<number | undefined>((resolve) => {
      this.process.once('exit', (code) => resolve(code ?? undefined))
      this.process.once('error', () => resolve(undefined))
    })
    const { pid } = this.process
    try {
      this.proc = pid === undefined ? -1 : openProcess(pid)
    } catch (error) {
      this.end()
      throw error
    }
    this.agent = new Agent({
      keepAlive: true,
      maxSockets: MAX_CONNECTIONS,
      maxFreeSockets: MAX_IDLE_CONNECTIONS,
      timeout: IDLE_MS,
    })
    // Not thrown: a request that waited for a connection is given one where nobody catches anything.
    this.agent.createConnection = (_, done) => {
      try {
        return connect({ path: `${this.folder()}/${APP_SOCKET}` })
      } catch (error) {
        done?.(error as Error, null as never)
        // To the others that wait nobody would ever say anything: an agent goes on to them when a connection ends.
        for (const waiting of Object.values(this.agent.requests).flat()) waiting?.emit('error', error)
        return undefined
      }
    }
    // It may end before it has read anything.
    this.stdin.on('error', () => undefined)
    this.ended = exited.then(async (status) => {
      this.isOver = true
      this.agent.destroy()
      if (this.first !== undefined) await untilGone(this.first)
      return status
    })
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

  /** Waits for the bridge, and serves the API beside it. @throws `APP_START_FAILED` */
  private async join(api: App): Promise<void> {
    try {
      await this.bridged()
      await this.serve(api)
    } catch (error) {
      if (error instanceof SottoError && error.code === 'APP_START_FAILED') throw error
      throw failed('it ended while it was joined', error)
    }
  }

  /** Waits until the bridge says that it listens, and enters the folder of its sockets. */
  private async bridged(): Promise<void> {
    const channel = this.process.stdio[READY_DESCRIPTOR] as Readable | Duplex | undefined
    let text = ''
    const said = new Promise<boolean>((resolve) => {
      channel?.on('data', (piece: Buffer) => {
        text += piece.toString('latin1')
        this.first ??= openFirst(text)
        if (text.endsWith('ready\n')) resolve(true)
      })
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
    // A server removes its socket when it closes, by a path that is through this descriptor.
    await this.serving?.then((server) => server.close()).catch(() => undefined)
    for (const fd of [this.link, this.first, this.proc]) if (fd !== undefined && fd >= 0) closeSync(fd)
  }
}

function failed(found: string, cause?: unknown): Error {
  return appError('APP_START_FAILED', 'the app could not be started', {
    expected: 'namespaces, the unpacked code and a bridge',
    found,
    cause,
  })
}
