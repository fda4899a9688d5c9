import { setTimeout as sleep } from 'node:timers/promises'
import { SottoError } from '@sotto/protocol/errors'
import { type AppErrorCode, appError } from './errors.ts'
import type { Listener } from './listeners.ts'

/** One life, as its supervisor sees it. */
export interface SupervisedLife {
  readonly ended: Promise<number | undefined>
  listeners(): Listener[]
  end(): void
}

/** What a supervisor needs. */
export interface SuperviseOptions<L extends SupervisedLife> {
  /** @throws why it cannot be started */
  start(): Promise<L>
  /** The status of one answer to its health check; undefined for none. */
  checkHealth(life: L, signal: AbortSignal): Promise<number | undefined>
  /** Where app and bridge listen. */
  readonly port: number
  readonly apiPort: number
  readonly startMs: number
  /** Told of every life that ended by itself, with its exit status. */
  onEnded?(status: number | undefined): void
  /** Told why one could not be started, or why there is no next one. */
  onFailed?(reason: Error): void
  /** Told of every life that got healthy, with how many there were before. */
  onHealthy?(restarts: number): void
  /** How often what listens is looked at, milliseconds. Default 1000. */
  readonly watchMs?: number
  /** Wait before the second restart in a row; doubles from there to 30 s. Default 100. */
  readonly restartBackoffMs?: number
}

/** Keeps an app alive. */
export interface Supervisor<L extends SupervisedLife> {
  /**
   * Starts it and waits until it is healthy. A first start is not repeated: whoever deploys it is told what is wrong.
   * @throws `APP_NOT_HEALTHY`, `APP_SECOND_PORT`, what `start` throws
   */
  start(): Promise<void>
  /** The life that answers now. @throws why there is none, see {@link Supervisor.trouble} */
  current(): L
  /** Why no life answers; undefined while one does. */
  readonly trouble: AppErrorCode | undefined
  /** Ends it for good. */
  close(): Promise<void>
}

/** How long a life is after which the next restart is at once again. */
const STABLE_MS = 60_000
/** An app that keeps ending is started this often, for good: what ended it may come from one client alone. */
const MAX_BACKOFF_MS = 30_000
/** Between two health checks while an app starts. */
const CHECK_MS = 100
const CHECK_TIMEOUT_MS = 5000

const SAYS: Readonly<Partial<Record<AppErrorCode, string>>> = {
  APP_STARTING: 'the app has not started yet',
  APP_RESTARTING: 'the app is being started again',
  APP_GIVEN_UP: 'the app was given up',
  APP_SECOND_PORT: 'the app listened on a second port and was ended',
  APP_CLOSED: 'the app was stopped',
}

/** Makes a {@link Supervisor}. */
export function superviseApp<L extends SupervisedLife>(options: SuperviseOptions<L>): Supervisor<L> {
  const { port, apiPort, startMs, watchMs = 1000, restartBackoffMs = 100 } = options
  const stopped = new AbortController()
  let trouble: AppErrorCode | undefined = 'APP_STARTING'
  let life: L | undefined
  let starting: Promise<unknown> = Promise.resolve()
  let failures = 0
  let restarts = 0

  /** True while everything listens where it should. @throws `APP_SECOND_PORT` */
  function look(one: L): boolean {
    const listeners = one.listeners()
    const other = listeners.find((each) => each.protocol === 'udp' || ![port, apiPort].includes(each.port))
    if (other !== undefined)
      throw appError('APP_SECOND_PORT', 'the app listens on another port than its own', {
        expected: `tcp ${port}`,
        found: `${other.protocol} ${other.port}`,
      })
    return listeners.some((each) => each.port === apiPort)
  }

  function startOnce(): Promise<L> {
    const started = startAndWait()
    starting = started.catch(() => undefined)
    return started
  }

  async function startAndWait(): Promise<L> {
    const one = await options.start()
    life = one
    try {
      if (stopped.signal.aborted) throw appError('APP_CLOSED', 'the app was stopped')
      await untilHealthy(one)
      return one
    } catch (error) {
      life = undefined
      one.end()
      await one.ended
      throw error
    }
  }

  async function untilHealthy(one: L): Promise<void> {
    const deadline = performance.now() + startMs
    const over = new AbortController()
    let found = 'no answer'
    const gone = one.ended.then((status) => {
      over.abort()
      return `it ended with ${status ?? 'a signal'}`
    })
    for (;;) {
      await lookAtStarting(one, gone)
      const timeout = AbortSignal.timeout(CHECK_TIMEOUT_MS)
      const status = await options.checkHealth(one, AbortSignal.any([over.signal, timeout, stopped.signal]))
      if (status !== undefined) found = `status ${status}`
      if (over.signal.aborted) found = await gone
      else if (status !== undefined && status >= 200 && status < 300) {
        await lookAtStarting(one, gone)
        return
      }
      if (stopped.signal.aborted) throw appError('APP_CLOSED', 'the app was stopped')
      if (over.signal.aborted || performance.now() >= deadline) throw notHealthy(found)
      await Promise.race([sleep(CHECK_MS), gone])
    }
  }

  async function lookAtStarting(one: L, gone: Promise<string>): Promise<void> {
    try {
      look(one)
    } catch (error) {
      if (error instanceof SottoError) throw error
      // It ended in this moment, or the kernel says something that cannot be understood.
      one.end()
      throw notHealthy(await gone)
    }
  }

  function notHealthy(found: string): Error {
    const expected = `2xx within ${startMs / 1000} s`
    return appError('APP_NOT_HEALTHY', 'the app did not become healthy', { expected, found })
  }

  function adopt(one: L): void {
    trouble = undefined
    options.onHealthy?.(restarts)
    const healthyAt = performance.now()
    const timer = setInterval(() => watch(one), watchMs)
    timer.unref()
    void one.ended.then((status) => {
      clearInterval(timer)
      life = undefined
      if (trouble !== undefined) return
      trouble = 'APP_RESTARTING'
      options.onEnded?.(status)
      if (performance.now() - healthyAt >= STABLE_MS) failures = 0
      void startAgain()
    })
  }

  function watch(one: L): void {
    try {
      // Without its bridge nobody reaches it; the next life has another.
      if (life === one && !look(one)) one.end()
    } catch (error) {
      if (error instanceof SottoError) giveUp(error)
      one.end()
    }
  }

  function giveUp(reason: Error): void {
    if (trouble === 'APP_CLOSED') return
    const isSecondPort = reason instanceof SottoError && reason.code === 'APP_SECOND_PORT'
    trouble = isSecondPort ? 'APP_SECOND_PORT' : 'APP_GIVEN_UP'
    options.onFailed?.(reason)
  }

  async function startAgain(): Promise<void> {
    while (await backOff(failures++)) {
      restarts++
      try {
        return adopt(await startOnce())
      } catch (error) {
        if (stopped.signal.aborted) return
        // What a security check refused is not tried again until it passes.
        if (error instanceof SottoError && error.action === 'stop') return giveUp(error)
        options.onFailed?.(error as Error)
      }
    }
  }

  /** The first restart is at once, later ones wait longer and longer. False when closed meanwhile. */
  async function backOff(before: number): Promise<boolean> {
    const delay = before === 0 ? 0 : Math.min(MAX_BACKOFF_MS, restartBackoffMs * 2 ** (before - 1))
    return sleep(delay, true, { ref: false, signal: stopped.signal }).catch(() => false)
  }

  return {
    async start() {
      try {
        adopt(await startOnce())
      } catch (error) {
        if (error instanceof Error) giveUp(error)
        throw error
      }
    },
    current() {
      if (life !== undefined && trouble === undefined) return life
      const code = trouble ?? 'APP_RESTARTING'
      throw appError(code, SAYS[code]!)
    },
    get trouble() {
      return trouble
    },
    async close() {
      trouble = 'APP_CLOSED'
      stopped.abort()
      life?.end()
      await life?.ended
      await starting
    },
  }
}
