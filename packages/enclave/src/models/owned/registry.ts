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
  async function get(path: string, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    try {
      return await fetch(`${url.replace(/\/+$/, '')}${path}`, {
        headers,
        redirect: 'error',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
    } catch (cause) {
      throw ownedModelError('OWNED_MODEL_UNREACHABLE', 'the registry of models does not answer', { cause })
    }
  }

  return {
    async find(name) {
      const path = `/v1/models/${name.tag}/${formatModelName(name).slice(name.tag.length + 1)}`
      const response = await get(path, {})
      if (!response.ok) throw await refusalOf(response)
      try {
        const text = fromUtf8(await readBody(response, MAX_LOGGED_BYTES))
        return loggedModelDocumentDecoder(JSON.parse(text), 'model')
      } catch (cause) {
        throw ownedModelError('OWNED_MODEL_UNREACHABLE', 'the registry of models answers nonsense', { cause })
      }
    },
    async read(digest, start, length, signal) {
      const range = `bytes=${start}-${start + length - 1}`
      const response = await get(`/artifacts/${digest}`, { range }, signal)
      if (!response.ok) throw await refusalOf(response)
      const bytes = new Uint8Array(length)
      let filled = 0
      try {
        // Straight into its place: a model is large, and a range has a known length.
        for await (const part of response.body ?? []) {
          if (filled + part.length > length) throw new Error('more than was asked for')
          bytes.set(part, filled)
          filled += part.length
        }
      } catch (cause) {
        throw ownedModelError('OWNED_MODEL_UNREACHABLE', 'the registry of models stopped in the middle', {
          cause,
        })
      }
      if (response.status === 206 && filled === length) return bytes
      throw ownedModelError('OWNED_MODEL_UNREACHABLE', 'the registry of models sent another range', {
        expected: `${length} bytes`,
        found: `${filled}, status ${response.status}`,
      })
    },
  }
}

/** What the registry says of a model that it does not give. */
async function refusalOf(response: Response): Promise<Error> {
  let code: unknown
  try {
    const body = JSON.parse(fromUtf8(await readBody(response, MAX_ERROR_BYTES))) as {
      error?: { code?: unknown }
    }
    code = body.error?.code
  } catch {
    code = undefined
  }
  const found = typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : `status ${response.status}`
  if (code === 'REGISTRY_MODEL_UNKNOWN')
    return ownedModelError('OWNED_MODEL_UNKNOWN', 'the registry has no model of this name')
  if (code === 'REGISTRY_MODEL_REMOVED')
    return ownedModelError('OWNED_MODEL_ENDED', 'its owner removed this model, or its time is over')
  return ownedModelError('OWNED_MODEL_UNREACHABLE', 'the registry of models refuses', { found })
}
