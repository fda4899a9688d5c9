import type { Sotto } from '@sotto/client'
import { cliError, ServiceError } from '../errors.ts'
import { servedModelsHint } from './served-models.ts'
import { errorOfAnswer, isUnknownModel } from './service-error.ts'

/**
 * Sends one request through the verified connection.
 * @throws `CLI_AUTH`, `CLI_PENDING`, `CLI_REQUEST`, `CLI_SERVICE` with the service's own code; client codes
 */
export async function callService(sotto: Sotto, path: string, init: RequestInit): Promise<Response> {
  return accepted(sotto, await sotto.fetch(`${sotto.baseURL}${path}`, init), init.signal ?? undefined)
}

/** The answer, unless the service refused. @throws as {@link callService} */
export async function accepted(
  sotto: Sotto,
  response: Response,
  signal: AbortSignal | undefined,
): Promise<Response> {
  if (response.ok) return response
  const error = await errorOfAnswer(response)
  if (!isUnknownModel(error)) throw error
  const hint = await servedModelsHint(sotto, signal)
  throw new ServiceError(error.code, error.message, error.service, { hint })
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
