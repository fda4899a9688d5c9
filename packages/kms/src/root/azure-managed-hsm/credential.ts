import { member, parseJsonObject, type JsonObject } from '@sotto/protocol/jose'
import { kmsError } from '../../errors.ts'
import { refusalOf, type Reply, type Transport } from './transport.ts'

/**
 * The metadata service of the machine:
 * https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
 */
export const METADATA_SERVICE = 'http://169.254.169.254'
const API_VERSION = '2018-02-01'
/** What a token may consist of (RFC 6750 Section 2.1); nothing that ends a header. */
const TOKEN = /^[A-Za-z0-9._~+/=-]{1,16384}$/

/** An access token, and when it ends, in milliseconds since 1970. */
export interface AccessToken {
  token: string
  expiresOnTimestamp: number
}

/**
 * Asks the metadata service for access tokens in the name of the machine's managed identity, for one service
 * and no other: a token for whatever a challenge names would open that to whoever sent the challenge.
 */
export class ManagedIdentity {
  readonly #transport: Transport
  readonly #resource: string
  readonly #url: URL

  /** @param resource `https://managedhsm.azure.net` */
  constructor(
    transport: Transport,
    { resource, clientId, metadata }: { resource: string; clientId?: string | undefined; metadata: string },
  ) {
    this.#transport = transport
    this.#resource = resource
    this.#url = new URL('/metadata/identity/oauth2/token', metadata)
    this.#url.searchParams.set('api-version', API_VERSION)
    this.#url.searchParams.set('resource', resource)
    if (clientId !== undefined) this.#url.searchParams.set('client_id', clientId)
  }

  /** As the SDK calls it. @throws `KMS_HSM_*` */
  async getToken(
    scopes: string | string[],
    { abortSignal }: { abortSignal?: unknown } = {},
  ): Promise<AccessToken> {
    const asked = typeof scopes === 'string' ? [scopes] : scopes
    if (asked.length !== 1 || asked[0] !== `${this.#resource}/.default`)
      throw kmsError('KMS_HSM_ANSWER', 'the HSM asks for a token for another service', {
        expected: this.#resource,
      })
    const reply = await this.#transport({
      method: 'GET',
      url: this.#url,
      // Without it the service refuses, so that nobody is led to ask for somebody else.
      headers: { Metadata: 'true', Accept: 'application/json' },
      allowHttp: true,
      ...(abortSignal instanceof AbortSignal && { signal: abortSignal }),
    })
    // 410 and 404 while the service is renewed, as its documentation says: they pass.
    if (reply.status === 404 || reply.status === 410) throw refusalOf('the metadata service', 503)
    if (reply.status !== 200) throw refusalOf('the metadata service', reply.status)
    return read(reply)
  }
}

function read({ body }: Reply): AccessToken {
  let answer: JsonObject
  try {
    answer = parseJsonObject(body, 'answer')
  } catch {
    // The cause could tell what stands in the answer.
    throw malformed()
  }
  const token = member(answer, 'access_token')
  const seconds = Number(member(answer, 'expires_on'))
  if (typeof token !== 'string' || !TOKEN.test(token) || !Number.isSafeInteger(seconds) || seconds <= 0)
    throw malformed()
  return { token, expiresOnTimestamp: seconds * 1000 }
}

function malformed(): Error {
  return kmsError('KMS_HSM_ANSWER', 'the answer of the metadata service has no access token')
}
