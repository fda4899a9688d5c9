import { collectError } from './errors.ts'
import type { Machine } from './machine.ts'

/**
 * Waits for an operation that the kernel may hold for seconds, and no longer than this. The operation
 * itself cannot be called back: it goes on, and what it gives is thrown away.
 *
 * @throws `COLLECT_TIMEOUT`
 */
export async function withTimeout<Result>(
  machine: Pick<Machine, 'sleep'>,
  timeoutMs: number,
  what: string,
  operation: Promise<Result>,
): Promise<Result> {
  const late = Symbol('late')
  const timer = new AbortController()
  const waited = machine.sleep(timeoutMs, timer.signal).then(
    () => late,
    () => late,
  )
  try {
    const outcome = await Promise.race([operation, waited])
    if (outcome !== late) return outcome as Result
  } finally {
    timer.abort()
  }
  operation.catch(() => undefined)
  throw collectError('COLLECT_TIMEOUT', `${what}: no answer`, {
    expected: `within ${Math.round(timeoutMs)} ms`,
  })
}
