import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { Channel, type ChannelStream } from '../channel/index.ts'
import { engineError, isEngineErrorCode } from '../errors.ts'
import type { EngineInfo, EngineOperation, ModelFileRole, ModelTask, RuntimeName } from '../types.ts'
import { decodeInfo } from './decode-events.ts'
import type { EngineProgram } from './program.ts'
import type { ServerProgram } from './server-program.ts'

/** First descriptor of the model files in the child: 0-2 are `/dev/null`, 3 is the channel. */
export const FIRST_FILE_DESCRIPTOR = 4

/** The `load` message: what the child makes an `EngineModel` of. */
export interface LoadMessage {
  readonly id: string
  readonly task: ModelTask
  readonly engine: RuntimeName
  readonly files: readonly {
    readonly name: string
    readonly role: ModelFileRole
    readonly size: number
    readonly fd: number
  }[]
  readonly threads: number
  readonly contextTokens: number
  readonly concurrency: number
  /** See `EngineModel`. */
  readonly serverProgram?: string
  readonly maxItemBytes: number
}

/** How to start one engine process. */
export interface ChildOptions {
  /** Words before the Node binary, see `sandbox.ts`. */
  readonly prefix: readonly string[]
  readonly execPath: string
  readonly entry: string
  /** What the process may execute, looked at before every start. Absent: sources, in development. */
  readonly program: EngineProgram | undefined
  /** The llama-server this engine starts, looked at as often. */
  readonly server?: ServerProgram | undefined
  readonly emptyDirectory: string
  /** Read-only descriptors of the RAM files, in the order of `message.files`. */
  readonly fds: readonly number[]
  /** Resolves when those files hold what they should; nothing is loaded before. Absent: they do. */
  readonly filled?: Promise<void>
  readonly message: LoadMessage
  readonly loadTimeoutMs: number
}

/** One life of one engine process: started, loaded, called, killed. Never restarted; see `supervisor.ts`. */
export class EngineChild {
  readonly pid: number
  /** Told once, before any call fails, when this life is over. */
  onGone: (() => void) | undefined
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>
  private readonly process: ChildProcess
  private readonly channel: Channel
  private lost: Error | undefined
  private readonly loaded: PromiseWithResolvers<EngineInfo> = Promise.withResolvers()

  /**
   * Starts the process and waits for the model to load.
   * @throws `ENGINE_PROGRAM_CHANGED` before anything runs, `ENGINE_LOAD_FAILED` or the engine's own code
   */
  static async start(options: ChildOptions): Promise<{ child: EngineChild; info: EngineInfo }> {
    await verifyAll(options)
    const child = new EngineChild(options)
    let timer: NodeJS.Timeout | undefined
    try {
      await Promise.race([options.filled, child.loaded.promise])
      child.load(options.message)
      timer = setTimeout(
        () => child.kill(engineError('ENGINE_LOAD_FAILED', 'the model took too long to load')),
        options.loadTimeoutMs,
      )
      const info = await child.loaded.promise
      // It may have been lost in the moment after it said that it is ready, when nobody was told yet.
      if (child.lost !== undefined)
        throw engineError('ENGINE_LOAD_FAILED', 'the engine was lost as it got ready', { cause: child.lost })
      // It has read its files by now: what it read is what was measured, or it gets no request.
      await verifyAll(options)
      return { child, info }
    } catch (error) {
      child.kill(engineError('ENGINE_CLOSED', 'the model did not load'))
      await child.exited
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  private constructor(options: ChildOptions) {
    // --disable-sigusr1: no signal may open an inspector in a process that holds plaintext.
    const flags = ['--disable-sigusr1', '--no-warnings']
    if (options.program) flags.push('--import', pathToFileURL(options.program.preload).href)
    // The name of its engine, so that its code is there before its files are.
    const words = [...options.prefix, options.execPath, ...flags, options.entry, options.message.engine]
    this.process = spawn(words[0]!, words.slice(1), {
      cwd: options.emptyDirectory,
      // ONNX Runtime reports its use to its maker, through a log in /tmp, unless told not to.
      env: { HOME: options.emptyDirectory, LANG: 'C.UTF-8', ORT_DISABLE_TELEMETRY: '1' },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', ...options.fds],
      // A terminal's Ctrl-C is for the host, which then closes its engines in order.
      detached: true,
    })
    this.pid = this.process.pid ?? -1
    this.exited = new Promise((resolve) => {
      this.process.once('exit', () => resolve())
      this.process.once('error', () => resolve())
    })
    // Without this, a caller that never awaits the load would turn its failure into an unhandled rejection.
    this.loaded.promise.catch(() => undefined)
    const socket = this.process.stdio[3] as Duplex
    this.channel = new Channel(
      socket,
      {
        onControl: (header, payload) => {
          if (header.k === 'ready') this.accept(payload)
          if (header.k === 'failed') this.refuse(header.code, header.message)
        },
        onClose: (reason) => {
          this.lost = reason
          this.onGone?.()
          this.kill(reason)
        },
      },
      options.message.maxItemBytes,
    )
    this.process.once('error', () =>
      this.kill(engineError('ENGINE_LOAD_FAILED', 'the engine process did not start')),
    )
    this.preferAsVictim()
  }

  private load(message: LoadMessage): void {
    void this.channel.write({ k: 'load' }, Buffer.from(JSON.stringify(message)))
  }

  /** Opens one call. @throws why the process is gone */
  open(operation: EngineOperation): ChannelStream {
    return this.channel.open(operation)
  }

  /** Ends the process at once; calls in progress fail with `reason`. */
  kill(reason: Error): void {
    this.loaded.reject(
      engineError('ENGINE_LOAD_FAILED', 'the engine process ended before the model was loaded', {
        cause: reason,
      }),
    )
    this.channel.close(reason)
    this.process.kill('SIGKILL')
    // What it started has its process group, because it leads one (`detached`).
    if (this.pid > 0) killGroup(this.pid)
  }

  private accept(payload: Uint8Array): void {
    try {
      this.loaded.resolve(decodeInfo(JSON.parse(Buffer.from(payload).toString('utf8'))))
    } catch (cause) {
      this.loaded.reject(
        engineError('ENGINE_LOAD_FAILED', 'the engine stated nothing sensible about itself', { cause }),
      )
    }
  }

  private refuse(code: string, message: string): void {
    this.loaded.reject(
      engineError(isEngineErrorCode(code) ? code : 'ENGINE_LOAD_FAILED', message.slice(0, 300)),
    )
  }

  /** When memory runs out, the kernel takes an engine, not the process that holds the keys. */
  private preferAsVictim(): void {
    try {
      writeFileSync(`/proc/${this.pid}/oom_score_adj`, '800')
    } catch {
      // Not ours to set here; the order of victims is the kernel's then.
    }
  }
}

async function verifyAll({ program, server }: ChildOptions): Promise<void> {
  await program?.verify()
  await server?.verify()
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}
