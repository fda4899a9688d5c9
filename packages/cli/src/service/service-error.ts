import type { SottoError } from '@sotto/protocol/errors'
import { type CliErrorCode, ServiceError, type ServiceProblem } from '../errors.ts'

/** Error bodies are short; more is not looked at. */
const MAX_ERROR_LENGTH = 64 * 1024
const CODE = /^[a-z0-9_]{1,64}$/
const PARAM = /^[\w.[\]-]{1,128}$/

const RECORDINGS =
  'recordings may be WAV, FLAC, MP3, AIFF, or Ogg or WebM with Opus; ffmpeg -i FILE recording.wav makes one of most others'

/** What to do about the service's own codes, where its words do not say so. */
const HINTS: Readonly<Record<string, string | undefined>> = {
  audio_format_unknown: RECORDINGS,
  audio_unsupported: RECORDINGS,
  audio_malformed: `the file is damaged or was cut short; ${RECORDINGS}`,
  audio_empty: 'the recording has no sound in it; was it cut short?',
  audio_too_long: 'send the recording in pieces',
  audio_too_large: 'send the recording in pieces',
  context_length_exceeded: 'shorten the text',
  engine_busy: 'run the command again in a moment',
}

/**
 * The error that an answer outside 200 to 299 is.
 * @returns `CLI_AUTH` 401 and 403, `CLI_PENDING` 503, `CLI_SERVICE` 429 and other 5xx, `CLI_REQUEST` the rest
 */
export async function errorOfAnswer(response: Response): Promise<ServiceError> {
  const text = (await response.text()).slice(0, MAX_ERROR_LENGTH)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    // A proxy's page, or nothing: the status says what there is to say.
  }
  return errorOfEnvelope(codeOf(response.status), body, response.status)
}

/** The error of an OpenAI error envelope, `{error: {message, code, param}}`; whatever is wrong with it is left out. */
export function errorOfEnvelope(code: CliErrorCode, body: unknown, status?: number): ServiceError {
  const error = (body as { error?: unknown } | null | undefined)?.error
  const { message, code: own, param } = (error ?? {}) as Record<string, unknown>
  const service: ServiceProblem = {
    ...(status !== undefined && { status }),
    ...(typeof own === 'string' && CODE.test(own) && { code: own }),
    ...(typeof param === 'string' && PARAM.test(param) && { param }),
  }
  const words = typeof message === 'string' ? message : status === undefined ? 'an error' : `status ${status}`
  const hint = service.code === undefined ? undefined : HINTS[service.code]
  return new ServiceError(code, `the service answered: ${words}`, service, hint === undefined ? {} : { hint })
}

/** True when the service does not know the model that was asked for. */
export function isUnknownModel(error: SottoError): error is ServiceError {
  return error instanceof ServiceError && error.service.code === 'model_not_found'
}

function codeOf(status: number): CliErrorCode {
  if (status === 401 || status === 403) return 'CLI_AUTH'
  if (status === 503) return 'CLI_PENDING'
  return status < 500 && status !== 429 ? 'CLI_REQUEST' : 'CLI_SERVICE'
}
