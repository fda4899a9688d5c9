import { fromUtf8 } from '@sotto/protocol/bytes'
import type { KmsState as PublishedKms } from '@sotto/protocol/evidence'
import {
  type HandoverRequest,
  type HandoverResponse,
  handoverResponseDecoder,
  MAX_HANDOVER_ANSWER_BYTES,
} from '@sotto/protocol/handover'
import { readBody } from '@sotto/serve/limits'
import { kmsError } from '../errors.ts'

/** Longest answer of `GET /v1/keys`, bytes: statements, and evidence with its collateral. */
const MAX_STATE_BYTES = 4 * 1024 * 1024
const TIMEOUT_MS = 30_000

/** A KMS with nothing to hand over, or not this one: another may have it. */
const ASK_ANOTHER = [
  'KMS_STANDBY',
  'KMS_NOT_READY',
  'KMS_FENCED',
  'KMS_NO_POLICY',
  'KMS_WAITING_FOR_CUSTODIANS',
]

/** A running KMS over HTTP. Nothing it answers is believed. */
export interface Peer {
  /** @throws `KMS_PEER_UNREACHABLE`, `KMS_PEER_BUSY` */
  state(): Promise<PublishedKms>
  /** @throws `KMS_PEER_UNREACHABLE`, `KMS_PEER_BUSY`, `KMS_HANDOVER_DENIED`, `KMS_HANDOVER_INVALID` */
  handOver(request: HandoverRequest): Promise<HandoverResponse>
}

/** The peer at `url`. */
export function createPeer(url: string, fetch: typeof globalThis.fetch = globalThis.fetch): Peer {
  async function call(path: string, maxBytes: number, body?: string): Promise<unknown> {
    let status: number
    let value: unknown
    try {
      const response = await fetch(`${url.replace(/\/+$/, '')}${path}`, {
        ...(body !== undefined && { method: 'POST', body }),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      status = response.status
      value = JSON.parse(fromUtf8(await readBody(response, maxBytes)))
    } catch (cause) {
      throw kmsError('KMS_PEER_UNREACHABLE', 'a running KMS does not answer', { found: url, cause })
    }
    if (status === 200) return value
    throw refusal(status, value)
  }

  return {
    // Its shape is judged by the decoder of trust bundles.
    state: async () => (await call('/v1/keys', MAX_STATE_BYTES)) as PublishedKms,
    async handOver(request) {
      const answer = await call('/v1/handover', MAX_HANDOVER_ANSWER_BYTES, JSON.stringify(request))
      try {
        return handoverResponseDecoder(answer, 'handover')
      } catch (cause) {
        throw kmsError('KMS_HANDOVER_INVALID', 'what the running KMS answered is no handover', {
          found: (cause as Error).message,
          cause,
        })
      }
    },
  }
}

function refusal(status: number, value: unknown): Error {
  const { code, action } = (value as { error?: { code?: unknown; action?: unknown } } | null)?.error ?? {}
  const found = typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? code : `status ${status}`
  if (ASK_ANOTHER.includes(found) || typeof code !== 'string')
    return kmsError('KMS_PEER_UNREACHABLE', 'a KMS that was asked has nothing to hand over', { found })
  if (action === 'retry')
    return kmsError('KMS_PEER_BUSY', 'the running KMS does not hand over now', { found })
  return kmsError('KMS_HANDOVER_DENIED', 'the running KMS does not hand over to this one', { found })
}
