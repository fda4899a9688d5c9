/** Appends signed statements to a log, and proves under its key and witnesses that they are in. */
import { readFileSync } from 'node:fs'
import { SottoError } from '@sotto/protocol/errors'
import { createLogClient, type LogClient } from '@sotto/serve/log-client'
import { parseTrustPolicy } from '@sotto/verifier'
import { ReleaseFailure } from './failure.ts'
import { readSecret } from './key.ts'
import type { ReleaseOptions } from './options.ts'

/** An append that was not answered may have happened: the same bytes get the same index, so it is asked again. */
const ATTEMPTS = 3
const PAUSE_MS = 500
const MAX_TOKEN_BYTES = 4096

/** Opens the log that a trust policy names. @throws ReleaseFailure */
export function openLog(
  { url, tokenFile, policy: file }: NonNullable<ReleaseOptions['log']>,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): LogClient {
  const appendToken = readSecret(tokenFile, MAX_TOKEN_BYTES).trim()
  try {
    const policy = parseTrustPolicy(readFileSync(file, 'utf8'))
    return createLogClient({
      url,
      ...policy.log,
      witnesses: { keys: policy.witnesses.keys.map(({ key }) => key), quorum: policy.witnesses.quorum },
      appendToken,
      fetch,
    })
  } catch (cause) {
    throw new ReleaseFailure(
      `${file} is no trust policy: ${(cause as Error).message}`,
      'name a policy file',
      {
        cause,
      },
    )
  }
}

/**
 * The index of an entry that is proven to be in the log. Appending again what is there already is harmless.
 * @throws ReleaseFailure when the log cannot be reached, refuses, or contradicts itself
 */
export async function publish(log: LogClient, entry: Uint8Array, what: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await log.append(entry)).index
    } catch (cause) {
      if (!(cause instanceof SottoError)) throw cause
      if (cause.action !== 'retry' || attempt === ATTEMPTS)
        throw new ReleaseFailure(
          `${what} is not logged: ${cause.message}`,
          cause.action === 'retry'
            ? 'run the same command again: what was logged keeps its index'
            : (cause.hint ?? 'do not publish this release'),
          { cause },
        )
      await new Promise((done) => setTimeout(done, PAUSE_MS))
    }
  }
}
