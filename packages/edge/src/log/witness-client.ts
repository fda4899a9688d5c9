import { fromUtf8, toBase64 } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import { cosignatureTime, parseNote, parseVerifierKey } from '@sotto/protocol/note'
import { readBody } from '@sotto/serve/limits'
import { edgeError } from '../errors.ts'
import type { WitnessTarget } from './config.ts'

/** A signed checkpoint to be cosigned. */
export interface CosignRequest {
  size: number
  /** The note with the log's signature. */
  note: string
  /** RFC 6962 consistency proof from a smaller tree of this log. */
  proveFrom(oldSize: number): Promise<Uint8Array[]>
}

/** One witness, seen from the log. */
export interface WitnessClient {
  /**
   * A cosignature line, verified against the witness's key.
   * @throws `LOG_FORKED` when the witness has cosigned a tree this one does not extend
   * @throws `LOG_NOT_WITNESSED` when it does not answer, or not with a cosignature
   */
  cosign(request: CosignRequest, signal: AbortSignal): Promise<string>
}

/** One correction of the old size is normal; a second happens when somebody else submits too. */
const MAX_ATTEMPTS = 3
const MAX_ANSWER_BYTES = 16 * 1024

/** Makes the client of one witness (C2SP tlog-witness). `send` is `fetch` or the witness's app. */
export function createWitnessClient(
  target: WitnessTarget,
  send: (request: Request) => Promise<Response> | Response = fetch,
): WitnessClient {
  const key = parseVerifierKey(target.key)
  /** Size it cosigned last, as far as we know; it tells us when we are wrong. */
  let knownSize = 0

  async function submit(request: CosignRequest, oldSize: number, signal: AbortSignal): Promise<Response> {
    const proof = await request.proveFrom(oldSize)
    const body = `old ${oldSize}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${request.note}`
    return send(
      new Request(`${target.url}/add-checkpoint`, { method: 'POST', body, redirect: 'error', signal }),
    )
  }

  async function attempt(request: CosignRequest, signal: AbortSignal): Promise<string> {
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const oldSize = Math.min(knownSize, request.size)
      const response = await submit(request, oldSize, signal)
      const answer = fromUtf8(await readBody(response, MAX_ANSWER_BYTES))
      if (response.status === 200) {
        knownSize = request.size
        return ownLine(request.note, answer)
      }
      if (response.status === 422) throw forked('refused a correct proof')
      if (response.status !== 409) throw unanswered(`status ${response.status}`)
      const size = /^(?:0|[1-9]\d{0,15})\n$/.test(answer) ? Number(answer) : Number.NaN
      if (!Number.isSafeInteger(size)) throw unanswered('a conflict without a size')
      if (size > request.size) throw forked('has cosigned a larger tree than this store holds')
      // The size was right, so what it means is: same size, another root.
      if (size === oldSize) throw forked('has cosigned another tree of this size')
      knownSize = size
    }
    throw unanswered('its size keeps changing')
  }

  function ownLine(note: string, answer: string): string {
    for (const line of answer.split('\n').slice(0, 16)) {
      try {
        if (cosignatureTime(parseNote(`${note}${line}\n`), key) !== undefined) return `${line}\n`
      } catch {
        // Lines of other keys or versions are ignored.
      }
    }
    throw unanswered('no cosignature of its key')
  }

  function forked(found: string): Error {
    return edgeError('LOG_FORKED', `witness ${key.name} ${found}`, {
      hint: 'Restore the newest store of this log; if there is none, its history is lost and it needs a new origin.',
    })
  }
  function unanswered(found: string, cause?: unknown): Error {
    return edgeError('LOG_NOT_WITNESSED', `witness ${key.name} did not cosign`, { found, cause })
  }

  return {
    async cosign(request, signal) {
      try {
        return await attempt(request, signal)
      } catch (error) {
        if (hasCode(error, 'LOG_FORKED') || hasCode(error, 'LOG_NOT_WITNESSED')) throw error
        throw unanswered('no answer', error)
      }
    },
  }
}
