import { fromUtf8 } from '@sotto/protocol/bytes'

/** What a service says no with: its own words, bounded, on one line, and never followed. */
export interface ServiceError {
  /** In capitals. */
  code?: string
  message?: string
  action?: string
}

/** The error in an answer; nothing of what is none. */
export function serviceErrorIn(bytes: Uint8Array | undefined): ServiceError {
  try {
    const { error } = JSON.parse(fromUtf8(bytes ?? new Uint8Array())) as { error?: Record<string, unknown> }
    const { code, message, action } = error ?? {}
    return {
      ...(typeof code === 'string' && /^[\w]{1,64}$/.test(code) && { code: code.toUpperCase() }),
      ...(typeof message === 'string' && {
        message: message.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, 512),
      }),
      ...(typeof action === 'string' && { action }),
    }
  } catch {
    return {}
  }
}

/**
 * Whether the same may work in a moment: what the service says of that counts, and where it says nothing, its status.
 * @param status of HTTP; undefined for an answer inside a seal, which has none
 */
export function isPassing({ action }: ServiceError, status?: number): boolean {
  if (action !== undefined) return action === 'retry'
  return status !== undefined && (status >= 500 || status === 429)
}
