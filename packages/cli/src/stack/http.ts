import { SottoError, type ErrorAction } from '@sotto/protocol/errors'
import { cliError } from '../errors.ts'

/** Longest wait for a local role's answer. */
const TIMEOUT_MS = 30_000

/** A JSON answer of a local role. @throws its own error code, or `STACK_UNREACHABLE` (retry) */
export async function callJson<T>(url: string, init: RequestInit = {}): Promise<T> {
  let response: Response
  try {
    response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (cause) {
    throw cliError('STACK_UNREACHABLE', `no answer from ${new URL(url).host}`, { cause })
  }
  const body = (await response.json()) as T & {
    error?: { code: string; message: string; action: ErrorAction }
  }
  if (response.ok) return body
  const { code, message, action } = body.error ?? {
    code: 'STACK_UNREACHABLE',
    message: `status ${response.status}`,
    action: 'retry',
  }
  throw new SottoError(code, action, message)
}

/** Appends an envelope to the local log; answered once a witnessed checkpoint holds it. */
export async function appendToLog(logUrl: string, token: string, envelope: Uint8Array): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const { index } = await callJson<{ index: number }>(`${logUrl}/log/entries`, {
    method: 'POST',
    headers,
    body: envelope as Uint8Array<ArrayBuffer>,
  })
  return index
}
