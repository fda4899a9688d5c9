import { fromUtf8 } from '@sotto/protocol/bytes'
import { MAX_CALL_ANSWER_BYTES } from '@sotto/protocol/contract'
import { SottoError } from '@sotto/protocol/errors'
import type { KmsState } from '@sotto/protocol/evidence'
import { SEALED_CALL_OVERHEAD_BYTES, SEALED_CALL_TYPE } from '@sotto/protocol/sealed-call'
import { spendEnvelope } from '@sotto/protocol/spending'
import { releaseResponseDecoder, type ReleaseRequest, type ReleaseResponse } from '@sotto/protocol/keyrelease'
import { readBody } from '@sotto/serve/limits'
import { releaseError } from './errors.ts'
import { askReplicas } from './replicas.ts'

/** Longest answer of a KMS, and how long it may take. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024
/** The same of an answer that is sealed. */
const MAX_SEALED_ANSWER_BYTES: number = MAX_CALL_ANSWER_BYTES + SEALED_CALL_OVERHEAD_BYTES
const TIMEOUT_MS = 30_000
/** The same for a plain read, where there is another replica to ask, and for what a request waits for. */
const READ_MS = 5000

/** Carries sealed calls about contracts (`protocol/sealed-call`), and their answers. It opens neither. */
export interface ContractCarrier {
  /** @throws `RELEASE_KMS_UNREACHABLE`, `RELEASE_DENIED` */
  contracts(sealed: Uint8Array): Promise<Uint8Array>
}

/** Talks to a KMS. Nothing it answers is believed: the bundle is verified, released keys are unwrapped and compared. */
export interface KmsClient {
  /**
   * @param nonce 16 to 64 bytes, base64url: has evidence made for it, which a KMS does a few times a second
   * @throws `RELEASE_KMS_UNREACHABLE`; with a nonce `RELEASE_DENIED`
   */
  state(nonce?: string): Promise<KmsState>
  /** @throws `RELEASE_KMS_UNREACHABLE`, `RELEASE_DENIED` */
  release(request: ReleaseRequest): Promise<ReleaseResponse>
}

/** Carries signed documents about spent tokens. It judges none of them. */
export interface SpendingClient {
  /** @throws `RELEASE_KMS_UNREACHABLE`, `RELEASE_DENIED`; `found` is the code of the KMS */
  offer(): Promise<Uint8Array>
  /** @throws as {@link SpendingClient.offer} */
  join(envelope: Uint8Array): Promise<Uint8Array>
  /** @throws as {@link SpendingClient.offer} */
  spend(envelope: Uint8Array): Promise<Uint8Array>
}

const JSON_TYPE = { 'content-type': 'application/json' }
/** Answers that say to ask another replica, and no more: any of them may answer what this one does not. */
export const ASK_ANOTHER: readonly string[] = ['KMS_STANDBY', 'KMS_FENCED', 'KMS_NOT_READY']

/**
 * A client of the KMS at `urls`: one, or the replicas of one KMS, tried in turn beginning with the one that answered
 * last. Which of them answers changes nothing that is trusted: the genesis is pinned, and every answer is verified.
 */
export function createKmsClient(
  urls: string | readonly string[],
  fetch: typeof globalThis.fetch = globalThis.fetch,
): KmsClient & SpendingClient & ContractCarrier {
  const replicas = typeof urls === 'string' ? [urls] : urls
  const askInTurn = askReplicas(replicas)

  /** The first answer that is no reason to ask the next replica; without one, what the last of them said. */
  function call(path: string, init: RequestInit, timeoutMs = timeoutOf(init)): Promise<unknown> {
    return askInTurn((url) => callOne(url, path, init, timeoutMs), isForAnother)
  }

  function timeoutOf({ body }: RequestInit): number {
    return replicas.length > 1 && body === undefined ? READ_MS : TIMEOUT_MS
  }

  async function callOne(url: string, path: string, init: RequestInit, timeoutMs: number): Promise<unknown> {
    const { response, bytes } = await exchange(url, path, init, timeoutMs, MAX_ANSWER_BYTES)
    const value = jsonIn(response, bytes)
    if (response.ok) return value
    throw refusalIn(response, value)
  }

  async function exchange(
    url: string,
    path: string,
    init: RequestInit,
    timeoutMs: number,
    maxBytes: number,
  ): Promise<{ response: Response; bytes: Uint8Array }> {
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      const response = await fetch(`${url}${path}`, { ...init, redirect: 'error', signal })
      return { response, bytes: await readBody(response, maxBytes) }
    } catch (cause) {
      throw releaseError('RELEASE_KMS_UNREACHABLE', 'the KMS does not answer', { cause })
    }
  }

  function jsonIn({ status }: Response, bytes: Uint8Array): unknown {
    try {
      return JSON.parse(fromUtf8(bytes))
    } catch (cause) {
      throw releaseError('RELEASE_KMS_UNREACHABLE', 'the KMS answers something else than JSON', {
        found: `status ${status}`,
        cause,
      })
    }
  }

  function refusalIn(response: Response, value: unknown): Error {
    const { code, action } = (value as { error?: { code?: unknown; action?: unknown } } | null)?.error ?? {}
    const found =
      typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? code : `status ${response.status}`
    // Without a code it is no KMS that answers, but something before it.
    const isElsewhere = typeof code !== 'string' && response.status >= 500
    const isRetry = action === 'retry' || isElsewhere || ASK_ANOTHER.includes(found)
    return releaseError(isRetry ? 'RELEASE_KMS_UNREACHABLE' : 'RELEASE_DENIED', 'the KMS refuses', { found })
  }

  async function contractsAt(url: string, sealed: Uint8Array): Promise<Uint8Array> {
    const init = {
      method: 'POST',
      headers: { 'content-type': SEALED_CALL_TYPE },
      body: sealed as Uint8Array<ArrayBuffer>,
    }
    const { response, bytes } = await exchange(
      url,
      '/v1/contracts',
      init,
      TIMEOUT_MS,
      MAX_SEALED_ANSWER_BYTES,
    )
    if (response.ok) return bytes
    throw refusalIn(response, jsonIn(response, bytes))
  }

  async function spending(path: string, envelope?: Uint8Array): Promise<Uint8Array> {
    const body = envelope && JSON.stringify({ envelope: fromUtf8(envelope) })
    const init = body === undefined ? {} : { method: 'POST', headers: JSON_TYPE, body }
    return spendEnvelope(await call(path, init, READ_MS))
  }

  return {
    contracts: (sealed) => askInTurn((url) => contractsAt(url, sealed), isForAnother),
    offer: () => spending('/v1/spend-context'),
    join: (envelope) => spending('/v1/spend/join', envelope),
    spend: (envelope) => spending('/v1/spend', envelope),
    // Its shape is judged by the verifier, statement by statement.
    state: async (nonce) =>
      (await call(nonce === undefined ? '/v1/keys' : `/v1/keys?nonce=${nonce}`, {})) as KmsState,
    release: async (request) =>
      releaseResponseDecoder(
        await call('/v1/release', {
          method: 'POST',
          headers: JSON_TYPE,
          body: JSON.stringify(request),
        }),
        'release',
      ),
  }
}

/** No usable answer, or one that names another replica; what a serving KMS says about this request is final. */
function isForAnother(error: unknown): boolean {
  if (!(error instanceof SottoError) || error.code !== 'RELEASE_KMS_UNREACHABLE') return false
  return error.cause !== undefined || error.found === undefined || !isOfOneThatServes(error.found)
}

/** Codes of a KMS that serves and asks for patience: another replica would have to ask it as well. */
function isOfOneThatServes(found: string): boolean {
  return /^(?:KMS|HTTP|LOG)_/.test(found) && !ASK_ANOTHER.includes(found) && found !== 'KMS_STORE_FAILED'
}
