import type { Sotto } from '@sotto/client'
import type { SottoError } from '@sotto/protocol/errors'
import { type CliErrorCode, cliError } from '../errors.ts'

/** Error bodies are short; more is not read. */
const MAX_ERROR_LENGTH = 64 * 1024

/**
 * Sends one request through the verified connection.
 * @throws `CLI_AUTH` 401 and 403, `CLI_PENDING` 503, `CLI_REQUEST` other 4xx, `CLI_SERVICE` the rest; client codes
 */
export async function callService(sotto: Sotto, path: string, init: RequestInit): Promise<Response> {
  const response = await sotto.fetch(`${sotto.baseURL}${path}`, init)
  if (response.ok) return response
  throw await serviceError(response)
}

/** `POST` of a JSON body, see {@link callService}. */
export function postJson(sotto: Sotto, path: string, body: object, signal: AbortSignal): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return callService(sotto, path, { method: 'POST', headers, body: JSON.stringify(body), signal })
}

/** The JSON of an answer. @throws `CLI_SERVICE` when it is something else */
export async function readJson(response: Response): Promise<Record<string, unknown>> {
  try {
    const value: unknown = await response.json()
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw cliError('CLI_SERVICE', 'the service answered with something that is not JSON')
}

async function serviceError(response: Response): Promise<SottoError<CliErrorCode>> {
  const text = (await response.text()).slice(0, MAX_ERROR_LENGTH)
  const message = messageOf(text) ?? `status ${response.status}`
  return cliError(codeOf(response.status), `the service answered: ${message}`)
}

function codeOf(status: number): CliErrorCode {
  if (status === 401 || status === 403) return 'CLI_AUTH'
  if (status === 503) return 'CLI_PENDING'
  return status < 500 ? 'CLI_REQUEST' : 'CLI_SERVICE'
}

/** Message of the OpenAI error envelope. */
function messageOf(text: string): string | undefined {
  try {
    const message = (JSON.parse(text) as { error?: { message?: unknown } }).error?.message
    return typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}
