import { setTimeout as sleep } from 'node:timers/promises'
import { SottoError } from '@sotto/protocol/errors'
import type { ChannelStream } from '../channel/index.ts'
import { engineError } from '../errors.ts'
import type { EngineInfo, EngineOperation } from '../types.ts'
import { type ChildOptions, EngineChild } from './child.ts'
import { Slots } from './slots.ts'

/** `failed`: it could not or must not be loaded again; every call is refused until it is started anew. */
export type EngineState = 'ready' | 'restarting' | 'failed' | 'closed'

/** Bounds of one engine. */
export interface SupervisorLimits {
  /** Calls that run at once; the engine may allow fewer. */
  readonly concurrency: number
  readonly maxWaiting: number
  readonly maxWaitMs: number
  /** Time an engine has to stop a cancelled call before it is killed, when nobody else's call is running in it. */
  readonly cancelGraceMs: number
  /** Wait before the second restart in a row; doubles from there to 30 s. */
  readonly restartBackoffMs: number
}

/** Loads that may fail in a row before the engine is given up. */
const MAX_FAILED_LOADS = 5
const MAX_BACKOFF_MS = 30_000
/**
 * When a cancelled call does not stop and other people's calls run in the same process, it is left this long:
 * otherwise anybody could end everybody's calls by cancelling their own.
 */
const SHARED_CANCEL_GRACE_MS = 10_000

/** A slot and an open stream in the live process. */
export interface Lease {
  readonly stream: ChannelStream
  /** Kills the process this stream lives in; the calls beside it fail with `ENGINE_CRASHED`. */
  kill(): void
  /** Asks the engine to stop this call, and kills the process if it does not. */
  cancel(): void
}

/** Keeps one engine process alive: admits calls to it, and starts it again from the same RAM files when it dies. */
export class Supervisor {
  private readonly options: ChildOptions
  private readonly limits: SupervisorLimits
  private readonly onFailed: (reason: Error) => void
  private readonly slots: Slots
  private child: EngineChild | undefined
  private current: EngineInfo
  private phase: EngineState = 'ready'
  private failures = 0
  private restartCount = 0
  private readonly stopped = new AbortController()

  /**
   * Starts the engine. `onFailed` is told once, when it is given up later.
   * @throws `ENGINE_LOAD_FAILED`, `ENGINE_MODEL_INVALID`, `ENGINE_UNSUPPORTED`, `ENGINE_PROGRAM_CHANGED`
   */
  static async start(
    options: ChildOptions,
    limits: SupervisorLimits,
    onFailed: (reason: Error) => void = () => undefined,
  ): Promise<Supervisor> {
    const { child, info } = await EngineChild.start(options)
    return new Supervisor(options, limits, onFailed, child, info)
  }

  private constructor(
    options: ChildOptions,
    limits: SupervisorLimits,
    onFailed: (reason: Error) => void,
    child: EngineChild,
    info: EngineInfo,
  ) {
    this.options = options
    this.limits = limits
    this.onFailed = onFailed
    this.slots = new Slots(limits.maxWaiting, limits.maxWaitMs)
    this.current = info
    this.adopt(child, info)
  }

  get state(): EngineState {
    return this.phase
  }

  get info(): EngineInfo {
    return this.current
  }

  get pid(): number | undefined {
    return this.child?.pid
  }

  /** Calls running, calls waiting, and how often the process had to be started again. */
  get counters(): { running: number; waiting: number; restarts: number } {
    return { running: this.slots.active, waiting: this.slots.queued, restarts: this.restartCount }
  }

  /** Waits for a slot and opens a stream. @throws `ENGINE_BUSY`, `ENGINE_CANCELLED`, `ENGINE_LOAD_FAILED`, `ENGINE_CLOSED` */
  async lease(operation: EngineOperation, signal?: AbortSignal): Promise<Lease> {
    let leave = await this.slots.enter(signal)
    while (!this.child) {
      // It died between the admission and now: back to the queue, this call has not touched it.
      leave()
      leave = await this.slots.enter(signal)
    }
    const { child } = this
    const stream = child.open(operation)
    let ended = false
    stream.onSettled = (): void => {
      if (ended) return
      ended = true
      stream.stopSending()
      if (!stream.failed) this.failures = 0
      leave()
    }
    return {
      stream,
      kill: () => child.kill(engineError('ENGINE_CRASHED', 'the engine process ended')),
      cancel: () => {
        stream.cancel()
        void this.enforceCancel(child, stream)
      },
    }
  }

  /** Ends the process for good. */
  async close(): Promise<void> {
    this.phase = 'closed'
    const reason = engineError('ENGINE_CLOSED', 'the engine was stopped')
    this.stopped.abort()
    this.slots.close(reason)
    const { child } = this
    child?.kill(reason)
    await child?.exited
  }

  private async enforceCancel(child: EngineChild, stream: ChannelStream): Promise<void> {
    const started = performance.now()
    do {
      await sleep(this.limits.cancelGraceMs, undefined, { ref: false })
      if (stream.isSettled || this.child !== child) return
    } while (this.slots.active > 1 && performance.now() - started < SHARED_CANCEL_GRACE_MS)
    this.failures = Math.max(0, this.failures - 1) // a caller's cancel is not the engine's failure
    child.kill(engineError('ENGINE_CRASHED', 'the engine process was ended to stop a cancelled call'))
  }

  private adopt(child: EngineChild, info: EngineInfo): void {
    this.child = child
    this.current = info
    this.phase = 'ready'
    child.onGone = (): void => {
      this.child = undefined
      this.slots.setLimit(0)
      void child.exited.then(() => this.startAgain())
    }
    this.slots.setLimit(Math.min(info.concurrency, this.limits.concurrency))
  }

  private async startAgain(): Promise<void> {
    if (this.phase === 'closed') return
    this.phase = 'restarting'
    for (;;) {
      if (!(await this.backOff(this.failures++))) return
      this.restartCount++
      try {
        const next = await EngineChild.start(this.options)
        if (this.stopped.signal.aborted)
          return next.child.kill(engineError('ENGINE_CLOSED', 'the engine was stopped'))
        return this.adopt(next.child, next.info)
      } catch (error) {
        // A changed program does not change back, and a second look might miss what the first one saw.
        const isFinal = error instanceof SottoError && error.action === 'stop'
        if (!isFinal && this.failures < MAX_FAILED_LOADS) continue
        if (this.stopped.signal.aborted) return
        this.phase = 'failed'
        const reason =
          error instanceof Error ? error : engineError('ENGINE_LOAD_FAILED', 'the model did not load')
        this.slots.close(reason)
        return this.onFailed(reason)
      }
    }
  }

  /** The first restart is at once, later ones wait longer and longer. False when closed meanwhile. */
  private async backOff(failures: number): Promise<boolean> {
    const delay =
      failures === 0 ? 0 : Math.min(MAX_BACKOFF_MS, this.limits.restartBackoffMs * 2 ** (failures - 1))
    try {
      await sleep(delay, undefined, { ref: false, signal: this.stopped.signal })
      return true
    } catch {
      return false
    }
  }
}
