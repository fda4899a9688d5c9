import { SottoError } from '@sotto/protocol/errors'

const MAX_MESSAGE = 600

/** What an answer that is no success says, with the service's own code. The service controls every word: bounded, text only. */
export async function refusalOf(response: Response): Promise<SottoError> {
  const { status } = response
  const canRetry = status >= 500 || status === 429
  return refusalIn(await response.json().catch(() => undefined), canRetry, `status ${status}`)
}

/** The same of an `error` event of a stream, or of anything that may hold one. */
export function refusalIn(body: unknown, canRetry: boolean, otherwise: string): SottoError {
  const { message, code } = ((body as { error?: unknown } | null)?.error ?? {}) as Record<string, unknown>
  const text = typeof message === 'string' ? message.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ') : otherwise
  const name = typeof code === 'string' && /^\w{1,64}$/.test(code) ? code.toUpperCase() : 'SERVICE_REFUSED'
  return new SottoError(name, canRetry ? 'retry' : 'fix-input', text.slice(0, MAX_MESSAGE))
}
