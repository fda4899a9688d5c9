import { hasCode, type SottoError } from '@sotto/protocol/errors'
import { edgeError } from '../errors.ts'

/** A checkpoint with its cosignatures, as clients get it. */
export interface PublishedCheckpoint {
  note: string
  size: number
}

/** How checkpoints become public. */
export interface PublisherOptions {
  /** Signs the durable tree and has it cosigned by a quorum. @throws `LOG_FORKED`, `LOG_NOT_WITNESSED` */
  cosignCurrent(signal: AbortSignal): Promise<PublishedCheckpoint>
  /** Makes a checkpoint durable. */
  store(checkpoint: PublishedCheckpoint): void
  /** What the store held at start. */
  stored: PublishedCheckpoint | undefined
  /** Cosigns again after this long without new entries (T6). */
  refreshMs: number
  /** Wait after a failed attempt; doubled up to 32 times as long. */
  retryMs: number
  onPublished?: (checkpoint: PublishedCheckpoint) => void
  onFailed?: (error: unknown) => void
}

/** Publishes the newest tree and keeps it fresh. */
export interface Publisher {
  readonly published: PublishedCheckpoint | undefined
  /** Set once log and witnesses contradict each other; nothing is published after that. */
  readonly fatal: SottoError | undefined
  /** The durable tree has grown. */
  kick(): void
  /** Resolves when a published checkpoint covers `size` entries. @throws `LOG_NOT_WITNESSED`, `LOG_FORKED` */
  waitFor(size: number, timeoutMs: number): Promise<void>
  stop(): void
}

const MAX_BACKOFF = 32

/** Starts publishing at once. */
export function startPublisher(options: PublisherOptions): Publisher {
  const abort = new AbortController()
  const waiters = new Set<() => void>()
  let published = options.stored
  let fatal: SottoError | undefined
  let wake: () => void = () => {}
  let isKicked = false
  let failures = 0

  async function run(): Promise<void> {
    while (!abort.signal.aborted && fatal === undefined) {
      isKicked = false
      let waitMs = options.refreshMs
      try {
        publish(await options.cosignCurrent(abort.signal))
        failures = 0
      } catch (error) {
        if (hasCode(error, 'LOG_FORKED')) fatal = error
        options.onFailed?.(error)
        waitMs = options.retryMs * Math.min(2 ** failures++, MAX_BACKOFF)
      }
      notify()
      if (abort.signal.aborted) return
      // After a failure new entries do not shorten the wait: the witnesses are the bottleneck.
      if (!isKicked || failures > 0) await sleep(waitMs)
    }
  }

  function publish(checkpoint: PublishedCheckpoint): void {
    try {
      options.store(checkpoint)
    } catch (error) {
      // A restart would serve a smaller tree than clients have seen. Only fresher signatures on the
      // tree that is on disk may go out unstored: a full disk must not stop them.
      if (checkpoint.size !== published?.size) throw error
      options.onFailed?.(error)
    }
    published = checkpoint
    options.onPublished?.(checkpoint)
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
  function notify(): void {
    for (const waiter of waiters) waiter()
  }

  void run()
  return {
    get published() {
      return published
    },
    get fatal() {
      return fatal
    },
    kick() {
      isKicked = true
      if (failures === 0) wake()
    },
    waitFor(size, timeoutMs) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const timer = setTimeout(
        () => settle(edgeError('LOG_NOT_WITNESSED', 'stored, but not witnessed in time; ask again')),
        timeoutMs,
      )
      function settle(error?: SottoError): void {
        clearTimeout(timer)
        waiters.delete(check)
        if (error === undefined) resolve()
        else reject(error)
      }
      function check(): void {
        if (fatal !== undefined) settle(fatal)
        else if (published !== undefined && published.size >= size) settle()
      }
      waiters.add(check)
      check()
      return promise
    },
    stop() {
      abort.abort()
      wake()
    },
  }
}
