import { SottoError } from '@sotto/protocol/errors'
import { sleep } from '../sleep.ts'
import { partsOf, type UploadSource } from './parts.ts'

/** How far a file has come, as its keeper says. */
export interface UploadProgress {
  /** Bytes that are there, at most those of the file. */
  readonly offset: number
  /** Whether it is whole, and kept. */
  readonly complete: boolean
}

/**
 * Who keeps what is uploaded, and is not trusted. Each answer must be about this very file, and its offset within it:
 * whoever implements this throws where it is not.
 */
export interface UploadTarget<State extends UploadProgress> {
  /** Begins, or says how far it has come. The same again is harmless. */
  begin(): Promise<State>
  /** Brings the bytes that follow `state.offset`. A part that was cut on its way has no effect. */
  append(state: State, part: Uint8Array): Promise<State>
  /**
   * Whether the same may work once it is begun again: `now` where there is nothing to wait for. An error with the action
   * `retry` is passing without being asked about.
   */
  isPassing(error: SottoError): 'now' | 'later' | undefined
  /** What is thrown where the target answers, and does not get on. */
  stalled(): Error
}

/** How a file travels. */
export interface UploadOptions {
  /** Bytes of one request. */
  partBytes: number
  /** Told the bytes that were there already, and then each part. */
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
  /** Waits before a part is sent again, milliseconds. @default 500, doubled each time */
  pauseMs?: number | undefined
}

/** Failures in a row after which it is given up. What is uploaded stays there, and another upload goes on. */
const MAX_FAILURES = 5
const PAUSE_MS = 500

/**
 * Brings a file to where it is kept, from wherever an earlier upload of the same file ended. Ends after so many failures
 * without a byte more than ever before, whatever the target answers in between.
 * @throws what the target throws for good, or {@link UploadTarget.stalled}; what the signal is aborted with
 */
export async function resumeUpload<State extends UploadProgress>(
  target: UploadTarget<State>,
  source: UploadSource,
  { partBytes, onBytes, signal, pauseMs = PAUSE_MS }: UploadOptions,
): Promise<void> {
  let state = await target.begin()
  let failures = 0
  let furthest = 0
  const note = (after: State): void => {
    state = after
    if (state.offset <= furthest) return
    onBytes?.(state.offset - furthest)
    furthest = state.offset
    failures = 0
  }
  note(state)
  let isBegun = true
  while (!state.complete) {
    try {
      if (!isBegun) note(await target.begin())
      isBegun = true
      if (state.complete) return
      for await (const part of partsOf(source, state.offset, partBytes)) {
        const expected = state.offset + part.length
        note(await target.append(state, part))
        if (state.complete) return
        if (state.offset !== expected) break
      }
    } catch (error) {
      signal?.throwIfAborted()
      const when = error instanceof SottoError ? passing(error, target) : undefined
      if (when === undefined || ++failures > MAX_FAILURES) throw error
      if (when === 'later') await sleep(pauseMs * 2 ** (failures - 1), signal)
      isBegun = false
      continue
    }
    // It answered, and is not whole: where it got no further either, it must not do so for ever.
    if (++failures > MAX_FAILURES) throw target.stalled()
  }
}

function passing(
  error: SottoError,
  target: Pick<UploadTarget<never>, 'isPassing'>,
): 'now' | 'later' | undefined {
  return target.isPassing(error) ?? (error.action === 'retry' ? 'later' : undefined)
}
