import { fromUtf8 } from '@sotto/protocol/bytes'
import type { KmsState } from '@sotto/protocol/evidence'
import { releaseResponseDecoder, type ReleaseRequest, type ReleaseResponse } from '@sotto/protocol/keyrelease'
import { releaseError } from './errors.ts'

/** Longest answer of a KMS, and how long it may take. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024
const TIMEOUT_MS = 30_000

/** Talks to a KMS. Nothing it answers is believed: the bundle is verified, released keys are unwrapped and compared. */
export interface KmsClient {
  /** @throws `RELEASE_KMS_UNREACHABLE` */
  state(): Promise<KmsState>
  /** @throws `RELEASE_KMS_UNREACHABLE`, `RELEASE_DENIED` */
  release(request: ReleaseRequest): Promise<ReleaseResponse>
}

/** A client of the KMS at `url`. */
export function createKmsClient(url: string, fetch: typeof globalThis.fetch = globalThis.fetch): KmsClient {
  async function call(path: string, init: RequestInit): Promise<unknown> {
    let response: Response
    let text: string
    try {
      response = await fetch(`${url}${path}`, {
        ...init,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      text = await readText(response)
    } catch (cause) {
      throw releaseError('RELEASE_KMS_UNREACHABLE', 'the KMS does not answer', { cause })
    }
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (cause) {
      throw releaseError('RELEASE_KMS_UNREACHABLE', 'the KMS answers something else than JSON', {
        found: `status ${response.status}`,
        cause,
      })
    }
    if (response.ok) return value
    const { code, action } = (value as { error?: { code?: unknown; action?: unknown } }).error ?? {}
    const found =
      typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? code : `status ${response.status}`
    throw releaseError(action === 'retry' ? 'RELEASE_KMS_UNREACHABLE' : 'RELEASE_DENIED', 'the KMS refuses', {
      found,
    })
  }
  return {
    // Its shape is judged by the verifier, statement by statement.
    state: async () => (await call('/v1/keys', {})) as KmsState,
    release: async (request) =>
      releaseResponseDecoder(
        await call('/v1/release', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(request),
        }),
        'release',
      ),
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > MAX_ANSWER_BYTES) throw new Error('answer is too long')
    chunks.push(chunk)
  }
  return fromUtf8(Buffer.concat(chunks))
}
