/**
 * Why there is no microphone:
 * - `refused`: the reader or the system does not allow it
 * - `absent`: there is none
 * - `busy`: another program holds it
 * - `unsupported`: this browser gives none to this page
 * - `lost`: it was unplugged, or taken away, while it recorded
 */
export type MicrophoneCause = 'refused' | 'absent' | 'busy' | 'unsupported' | 'lost'

/** There is no microphone, or none any more. The page says for each cause what to do. */
export class MicrophoneError extends Error {
  readonly why: MicrophoneCause

  constructor(why: MicrophoneCause, cause?: unknown) {
    super(`microphone ${why}`, { cause })
    this.name = 'MicrophoneError'
    this.why = why
  }
}

/** By the name that `getUserMedia` gives its error. */
const CAUSES: Readonly<Record<string, MicrophoneCause>> = {
  NotAllowedError: 'refused',
  PermissionDeniedError: 'refused',
  SecurityError: 'refused',
  NotFoundError: 'absent',
  DevicesNotFoundError: 'absent',
  OverconstrainedError: 'absent',
  NotReadableError: 'busy',
  TrackStartError: 'busy',
  AbortError: 'busy',
}

/** What an error of `getUserMedia` means; `unsupported` for what is not known. */
export function microphoneCauseOf(error: unknown): MicrophoneCause {
  if (error instanceof MicrophoneError) return error.why
  const name = (error as { name?: unknown } | null)?.name
  return (typeof name === 'string' && Object.hasOwn(CAUSES, name) ? CAUSES[name] : undefined) ?? 'unsupported'
}
