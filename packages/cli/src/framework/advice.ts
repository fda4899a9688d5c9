import { SottoError } from '@sotto/protocol/errors'
import type { Adviser } from './context.ts'

/** The hint of the first who knows what to do about an error; undefined: its own is the best there is. */
export async function adviceOn(error: unknown, advisers: readonly Adviser[]): Promise<string | undefined> {
  if (!(error instanceof SottoError)) return undefined
  for (const adviser of advisers) {
    // What fails here must not hide the error itself.
    const advice = await adviser(error).catch(() => undefined)
    if (advice !== undefined) return advice
  }
  return undefined
}
