import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  formatModelName,
  type LoggedModelDocument,
  loggedModelDocumentDecoder,
  MAX_LOGGED_BYTES,
  type ModelName,
} from '@sotto/protocol/sealed-models'
import { readBody } from '@sotto/serve/limits'
import { ownedModelError } from './errors.ts'
import { type RangeAnswer, readRange } from './range.ts'

const TIMEOUT_MS = 30_000
const MAX_ERROR_BYTES = 65_536

/** The registry as models are loaded from it. Nothing that it answers is believed. */
export interface ModelRegistry {
  /** @throws `OWNED_MODEL_UNKNOWN`, `OWNED_MODEL_ENDED`, `OWNED_MODEL_UNREACHABLE` */
  find(name: ModelName): Promise<LoggedModelDocument>
  /** Exactly these bytes of a sealed file. @throws `OWNED_MODEL_ENDED`, `OWNED_MODEL_UNREACHABLE` */
  read(digest: string, start: number, length: number, signal?: AbortSignal): Promise<Uint8Array>
}

/** A {@link ModelRegistry} at this address. */
export function createRegistry(
  url: string,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): ModelRegistry {
  const base = url.replace(/\/+$/, '')
  async function get(path: string): Promise<Response> {
    try {
      return await fetch(`${base}${path}`, { redirect: 'error', signal: withTimeout(undefined) })
    } catch (cause) {
      throw ownedModelError('OWNED_MODEL_UNREACHABLE', 'the registry of models does not answer', { cause })
    }
  }

  return {
    async find(name) {
      const path = `/v1/models/${name.tag}/${formatModelName(name).slice(name.tag.length + 1)}`
      const response = await get(path)
      if (!response.ok) throw await refusalOf(response.status, () => readBody(response, MAX_ERROR_BYTES))
      try {
        const text = fromUtf8(await readBody(response, MAX_LOGGED_BYTES))
        return loggedModelDocumentDecoder(JSON.parse(text), 'model')
      } catch (cause) {
        throw ownedModelError('OWNED_MODEL_UNREACHABLE', 'the registry of models answers nonsense', { cause })
      }
    },
    async read(digest, start, length, signal) {
      const from = new URL(`${base}/artifacts/${digest}`)
      let answer: RangeAnswer
      try {
        answer = await readRange(from, start, length, withTimeout(signal))
      } catch (cause) {
        throw ownedModelError('OWNED_MODEL_UNREACHABLE', 'the registry of models does not send what it has', {
          expected: `${length} bytes`,
          cause,
        })
      }
      if ('bytes' in answer) return answer.bytes
      throw await refusalOf(answer.status, () => Promise.resolve(answer.said))
    },
  }
}

function withTimeout(signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout])
}

/** What the registry says of a model that it does not give. */
async function refusalOf(status: number, read: () => Promise<Uint8Array>): Promise<Error> {
  let code: unknown
  try {
    const body = JSON.parse(fromUtf8(await read())) as {
      error?: { code?: unknown }
    }
    code = body.error?.code
  } catch {
    code = undefined
  }
  const found = typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : `status ${status}`
  if (code === 'REGISTRY_MODEL_UNKNOWN')
    return ownedModelError('OWNED_MODEL_UNKNOWN', 'the registry has no model of this name')
  if (code === 'REGISTRY_MODEL_REMOVED')
    return ownedModelError('OWNED_MODEL_ENDED', 'its owner removed this model, or its time is over')
  return ownedModelError('OWNED_MODEL_UNREACHABLE', 'the registry of models refuses', { found })
}
