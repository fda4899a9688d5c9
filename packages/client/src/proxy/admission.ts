import type { Caller } from './authenticate.ts'
import { createRates } from './rates.ts'

/** Bounds on all requests together. */
export interface AdmissionOptions {
  /** Requests at once. @default no bound */
  maxConcurrent?: number
  /** Requests that wait for a place at most. @default 256 */
  maxWaiting?: number
  /** How long one waits at most, milliseconds. @default 30000 */
  maxWaitMs?: number
  /** Milliseconds on a clock that never goes back. @default performance.now */
  now?: () => number
}

/** Why a request does not get in: too many of its user in a minute, or at once; or too many of all. */
export interface AdmissionRefused {
  refused: 'rate' | 'concurrent' | 'busy'
  retryAfterSeconds: number
}

/** Lets requests in: users within their own limits, and fairly where they want more than there is. */
export interface Admission {
  readonly running: number
  readonly waiting: number
  /**
   * Waits for a place. The result leaves it, and is safe to call twice.
   * @param gone rejects with its reason when the caller leaves while it waits
   */
  enter(caller: Caller, gone: AbortSignal): Promise<(() => void) | AdmissionRefused>
}

const DEFAULT_MAX_WAITING = 256
const DEFAULT_MAX_WAIT_MS = 30_000
/** After how long a request is worth another try where nobody knows when a place will be free. */
const RETRY_SECONDS = 1

interface Waiter {
  user: string
  settle(result: 'in' | 'busy'): void
}

/**
 * Makes an {@link Admission}. A place that gets free goes to the waiting user with the fewest requests running; equals
 * take turns, and the requests of one user wait in line. Where as many wait as may, the last one of the user with the
 * most waiting makes room for a user with fewer: whoever asks for much waits for itself.
 */
export function createAdmission(options: AdmissionOptions = {}): Admission {
  const {
    maxConcurrent = Number.POSITIVE_INFINITY,
    maxWaiting = DEFAULT_MAX_WAITING,
    maxWaitMs = DEFAULT_MAX_WAIT_MS,
    now = () => performance.now(),
  } = options
  const rates = createRates(now)
  const runningOf = new Map<string, number>()
  /** In the order in which users take turns. */
  const lines = new Map<string, Waiter[]>()
  let running = 0
  let waiting = 0

  function takePlace(user: string): () => void {
    running++
    runningOf.set(user, (runningOf.get(user) ?? 0) + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      running--
      const left = runningOf.get(user)! - 1
      if (left === 0) runningOf.delete(user)
      else runningOf.set(user, left)
      callNext()
    }
  }
  function callNext(): void {
    if (waiting === 0 || running >= maxConcurrent) return
    let next: string | undefined
    for (const user of lines.keys())
      if (next === undefined || (runningOf.get(user) ?? 0) < (runningOf.get(next) ?? 0)) next = user
    lines.get(next!)![0]!.settle('in')
  }
  function stand(waiter: Waiter): void {
    waiting++
    const line = lines.get(waiter.user)
    if (line === undefined) lines.set(waiter.user, [waiter])
    else line.push(waiter)
  }
  function stepOut(waiter: Waiter): void {
    const line = lines.get(waiter.user)!
    const left = line.filter((one) => one !== waiter)
    waiting -= line.length - left.length
    // Behind all others: whoever was called is the last to be called again.
    lines.delete(waiter.user)
    if (left.length > 0) lines.set(waiter.user, left)
  }
  /** Makes room in line for one more of this user. False where it has the most in line itself. */
  function makeRoom(user: string): boolean {
    if (waiting < maxWaiting) return true
    let longest: Waiter[] = []
    for (const line of lines.values()) if (line.length > longest.length) longest = line
    if (longest.length <= (lines.get(user)?.length ?? 0) + 1) return false
    longest.at(-1)!.settle('busy')
    return true
  }
  function wait(user: string, gone: AbortSignal): Promise<(() => void) | AdmissionRefused> {
    const { promise, resolve, reject } = Promise.withResolvers<(() => void) | AdmissionRefused>()
    const waiter: Waiter = {
      user,
      settle(result) {
        end()
        resolve(result === 'in' ? takePlace(user) : { refused: 'busy', retryAfterSeconds: RETRY_SECONDS })
      },
    }
    const timer = setTimeout(() => waiter.settle('busy'), maxWaitMs)
    const onGone = (): void => {
      end()
      reject(gone.reason as Error)
    }
    gone.addEventListener('abort', onGone, { once: true })
    stand(waiter)
    function end(): void {
      clearTimeout(timer)
      gone.removeEventListener('abort', onGone)
      stepOut(waiter)
    }
    return promise
  }
  return {
    get running() {
      return running
    },
    get waiting() {
      return waiting
    },
    async enter({ user = '', limits }, gone) {
      gone.throwIfAborted()
      const own = (runningOf.get(user) ?? 0) + (lines.get(user)?.length ?? 0)
      if (own >= (limits.concurrent ?? Number.POSITIVE_INFINITY))
        return { refused: 'concurrent', retryAfterSeconds: RETRY_SECONDS }
      const lateSeconds = rates.take(user, limits.requestsPerMinute)
      if (lateSeconds > 0) return { refused: 'rate', retryAfterSeconds: lateSeconds }
      if (running < maxConcurrent) return takePlace(user)
      return makeRoom(user) ? wait(user, gone) : { refused: 'busy', retryAfterSeconds: RETRY_SECONDS }
    },
  }
}
