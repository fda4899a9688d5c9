import { KeyClient, type KeyClientOptions } from '@azure/keyvault-keys'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { kmsError } from '../../errors.ts'
import { ManagedIdentity } from './credential.ts'
import { type ReleasedKey, type ReleaseQuestion, parseReleasedKey, requireText } from './released-key.ts'
import { refusalOf, type Transport } from './transport.ts'
import { WRAPPING } from './wrapping.ts'

type HttpClient = NonNullable<KeyClientOptions['httpClient']>
type Headers = Awaited<ReturnType<HttpClient['sendRequest']>>['headers']

/** What the SDK may try again by itself: three times, with at most 4 s in between. */
const RETRIES = { maxRetries: 3, retryDelayInMs: 500, maxRetryDelayInMs: 4000 }

/** Which HSM, and in whose name. */
export interface HsmOptions {
  vaultUrl: string
  clientId?: string | undefined
  /** Base URL of the metadata service. */
  metadata: string
  transport: Transport
}

/** Asks a managed HSM through the official SDK, over a transport of our own. */
export class HsmClient {
  readonly #client: KeyClient
  readonly #vaultUrl: string

  constructor({ vaultUrl, clientId, metadata, transport }: HsmOptions) {
    this.#vaultUrl = vaultUrl
    // `https://managedhsm.azure.net` for `https://name.managedhsm.azure.net`.
    const resource = `https://${new URL(vaultUrl).hostname.split('.').slice(1).join('.')}`
    this.#client = new KeyClient(vaultUrl, new ManagedIdentity(transport, { resource, clientId, metadata }), {
      retryOptions: RETRIES,
      // An answer that sends us elsewhere is an error.
      redirectOptions: { maxRetries: 0 },
      httpClient: httpClientOf(transport),
    })
  }

  /**
   * Has one version of a key released to what `token` vouches for.
   * @param signal bounds all tries together
   * @throws `KMS_HSM_*`
   */
  async release(
    { name, version, nonce }: { name: string; version: string; nonce: string },
    token: string,
    signal: AbortSignal,
  ): Promise<ReleasedKey> {
    const question: ReleaseQuestion = { kid: `${this.#vaultUrl}/keys/${name}/${version}`, nonce }
    let value: unknown
    try {
      const options = { version, nonce, algorithm: WRAPPING, abortSignal: signal }
      value = (await this.#client.releaseKey(name, token, options)).value
    } catch (error) {
      throw asOurs(error, signal)
    }
    return parseReleasedKey(requireText(value), question)
  }
}

/** The SDK's requests over our transport: no proxy of the environment, no redirect, bounded answers. */
function httpClientOf(transport: Transport): HttpClient {
  return {
    async sendRequest(request) {
      const { method, url, headers, body, abortSignal } = request
      if (body !== undefined && body !== null && typeof body !== 'string')
        throw kmsError('KMS_HSM_ANSWER', 'the SDK sends a body of another kind')
      const reply = await transport({
        method,
        url: new URL(url),
        headers: headers.toJSON({ preserveCase: true }),
        ...(typeof body === 'string' && { body }),
        ...(abortSignal instanceof AbortSignal && { signal: abortSignal }),
      })
      return {
        request,
        status: reply.status,
        headers: headersOf(reply.headers),
        bodyAsText: fromUtf8(reply.body),
      }
    },
  }
}

/** Headers as the SDK reads them. */
function headersOf(named: Readonly<Record<string, string>>): Headers {
  const values = new Map(Object.entries(named))
  return {
    get: (name) => values.get(name.toLowerCase()),
    has: (name) => values.has(name.toLowerCase()),
    set: (name, value) => void values.set(name.toLowerCase(), String(value)),
    delete: (name) => void values.delete(name.toLowerCase()),
    toJSON: () => Object.fromEntries(values),
    [Symbol.iterator]: () => values[Symbol.iterator](),
  }
}

/** The SDK's errors hold the request with its access token: nothing of them is kept but status and code. */
function asOurs(error: unknown, signal: AbortSignal): Error {
  if (error instanceof SottoError) return error
  const { statusCode, code } = error as { statusCode?: unknown; code?: unknown }
  if (typeof statusCode === 'number') {
    if (statusCode >= 300 && statusCode < 400)
      return kmsError('KMS_HSM_ANSWER', 'the HSM sends us elsewhere', { found: `${statusCode}` })
    if (statusCode !== 200) return refusalOf('the HSM', statusCode, code)
  }
  if (signal.aborted) return kmsError('KMS_HSM_UNAVAILABLE', 'the HSM took too long')
  return kmsError('KMS_HSM_ANSWER', 'the answer of the HSM is none the SDK can read')
}
