import type { SottoError } from '@sotto/protocol/errors'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import type { Decoder } from '@sotto/protocol/jcs'
import { clientError } from '../errors.ts'
import { isPassing, serviceErrorIn } from '../service-error.ts'
import { readBounded } from '../streams.ts'
import { INNER_ORIGIN } from '../transport/index.ts'

/** Requests about owners' models, inside the encryption. What answers is believed only where it proves itself. */
export interface InnerApi {
  /** @throws `MODEL_REFUSED`, `MODEL_UNAVAILABLE` with the service's own code; what `fetch` throws */
  call<T>(
    method: string,
    path: string,
    answer: { decoder: Decoder<T>; maxBytes: number },
    init?: {
      body?: string | Uint8Array
      type?: string
      headers?: Record<string, string>
      signal?: AbortSignal | undefined
    },
  ): Promise<T>
}

const BASE = `${INNER_ORIGIN}/v1/sealed-models`
const MAX_ERROR_BYTES = 65_536

/** {@link InnerApi} through a verified `fetch`. */
export function innerApi(fetch: typeof globalThis.fetch): InnerApi {
  return {
    async call(
      method,
      path,
      { decoder, maxBytes },
      { body, type = 'application/json', headers, signal } = {},
    ) {
      const response = await fetch(BASE + path, {
        method,
        ...(body !== undefined && { body: body as BodyInit }),
        headers: { 'content-type': type, ...headers },
        ...(signal && { signal }),
      })
      if (!response.ok) throw await refusalOf(response)
      const bytes = await readBounded(response.body as ReadableStream<Uint8Array> | null, maxBytes)
      try {
        if (bytes !== undefined) return decodeDocument(bytes, decoder, 'answer', maxBytes)
      } catch (cause) {
        throw clientError('MODEL_UNAVAILABLE', 'the service answered something that is no answer', { cause })
      }
      throw clientError('MODEL_UNAVAILABLE', 'the service answered more than an answer')
    },
  }
}

/** What the service says is its word, bounded, and never followed. */
async function refusalOf(response: Response): Promise<SottoError> {
  const bytes = await readBounded(response.body as ReadableStream<Uint8Array> | null, MAX_ERROR_BYTES)
  const said = serviceErrorIn(bytes)
  const { code, message } = said
  return clientError(
    isPassing(said, response.status) ? 'MODEL_UNAVAILABLE' : 'MODEL_REFUSED',
    `the service answered: ${message ?? `status ${response.status}`}`,
    { found: code ?? `status ${response.status}`, ...(HINTS[code ?? ''] && { hint: HINTS[code!]! }) },
  )
}

const HINTS: Readonly<Record<string, string>> = {
  __proto__: null as never,
  REGISTRY_OWNER: 'ask the operator to admit your owner key (sotto models owner shows it)',
  KMS_OWNER_UNKNOWN: 'ask the members to admit your owner key (sotto propose owners)',
  KMS_ARTIFACT_REPLAY: 'push it again: another program of this owner published the same file meanwhile',
  REGISTRY_VERSION: 'push it again: another version was published meanwhile',
}
