import type { ErrorAction } from '@sotto/protocol/errors'
import type { AudioErrorCode } from '../errors.ts'
import type { AudioLimits } from '../limits.ts'
import type { AudioInfo } from '../open-audio.ts'

/** What the host hands a decoder thread at its start. */
export interface DecoderStart {
  readonly limits: AudioLimits
}

/** Host to thread. Exactly one answers each `need` (`bytes` or `end`) and each `block` (`pull`). */
export type ToDecoder =
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'pull' }

/** Thread to host. `done` and `failed` are the last words. */
export type FromDecoder =
  | { readonly type: 'need' }
  | { readonly type: 'block'; readonly samples: Float32Array }
  | { readonly type: 'done'; readonly info: AudioInfo }
  | { readonly type: 'failed'; readonly error: DecoderFailure }

/** A refusal, as plain data: errors lose their class on the way between threads. */
export interface DecoderFailure {
  readonly code: AudioErrorCode
  readonly action: ErrorAction
  readonly message: string
  readonly expected: string | undefined
  readonly found: string | undefined
  readonly hint: string | undefined
}
