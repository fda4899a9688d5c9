import { SottoError } from '@sotto/protocol/errors'
import {
  MAX_UPLOAD_PART_BYTES,
  signOwnerDocument,
  type UploadState,
  uploadStateDecoder,
} from '@sotto/protocol/sealed-models'
import { clientError } from '../errors.ts'
import { sleep } from '../sleep.ts'
import type { InnerApi } from './inner-api.ts'
import type { ModelOwner } from './owner.ts'
import type { OnBytes, SealedModel } from './seal.ts'

/** How a sealed file travels. */
export interface UploadOptions {
  genesis: string
  /** Unix seconds. */
  now: () => number
  /** Bytes of one request. @default 8 MiB, at most 32 MiB */
  partBytes?: number | undefined
  /** Told the bytes that the registry had already, and then each part. */
  onBytes?: OnBytes | undefined
  signal?: AbortSignal | undefined
  /** Waits before a part is sent again, milliseconds. @default 500, doubled each time */
  pauseMs?: number | undefined
}

const DEFAULT_PART_BYTES = 8 * 1024 * 1024
/** Failures in a row after which it is given up. What is uploaded stays there, and another upload goes on. */
const MAX_FAILURES = 5
const PAUSE_MS = 500

const STATE = { decoder: uploadStateDecoder, maxBytes: 4096 }

/**
 * Brings a sealed file to the registry, from wherever an earlier upload of the same file ended.
 * @throws `MODEL_REFUSED`, `MODEL_UNAVAILABLE`; what `fetch` throws for good
 */
export async function upload(
  api: InnerApi,
  model: SealedModel,
  owner: ModelOwner,
  options: UploadOptions,
): Promise<void> {
  const { signal, onBytes, pauseMs = PAUSE_MS } = options
  const { digest, bytes } = model
  const intent = signOwnerDocument(
    'upload',
    {
      format: 'sotto-model-upload/1',
      genesis: options.genesis,
      owner: owner.key,
      digest,
      bytes,
      createdAt: options.now(),
    },
    owner.signer,
  )
  const begin = (): Promise<UploadState> => api.call('POST', '/uploads', STATE, { body: intent, signal })
  let state = ofThis(await begin(), model)
  let told = 0
  const tell = (): void => {
    if (state.offset > told) onBytes?.(state.offset - told)
    told = Math.max(told, state.offset)
  }
  for (let failures = 0; !state.complete;) {
    tell()
    try {
      for await (const part of partsOf(model, state.offset, options.partBytes)) {
        const headers = { 'upload-offset': String(state.offset) }
        const after = await api.call('PATCH', `/uploads/${state.upload}`, STATE, {
          body: part,
          type: 'application/octet-stream',
          headers,
          signal,
        })
        failures = 0
        const isNext = after.offset === state.offset + part.length
        state = ofThis(after, model)
        tell()
        if (!isNext) break
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (!isPassing(error) || ++failures > MAX_FAILURES) throw error
      // Another upload of the same file may be ahead: then there is nothing to wait for.
      if (error.found !== 'REGISTRY_OFFSET') await sleep(pauseMs * 2 ** (failures - 1), signal)
      const { offset } = state
      state = ofThis(await begin(), model)
      // Somebody is getting on with it.
      if (state.offset > offset) failures = 0
    }
  }
  tell()
}

/**
 * Whether the same may work in a moment. An upload that is not there any more was completed by somebody else, who has
 * published it meanwhile, or it rested too long: either way it is begun again.
 */
function isPassing(error: unknown): error is SottoError {
  return (
    error instanceof SottoError && (error.action === 'retry' || error.found === 'REGISTRY_UPLOAD_UNKNOWN')
  )
}

/** @throws `MODEL_UNAVAILABLE` where the service speaks of another file */
function ofThis(state: UploadState, { digest, bytes }: SealedModel): UploadState {
  if (state.digest === digest && state.bytes === bytes) return state
  throw clientError('MODEL_UNAVAILABLE', 'the service answered for another upload')
}

/** Parts of the sealed file from a byte on; where all of it is there, an empty one that completes it. */
async function* partsOf(
  model: SealedModel,
  from: number,
  partBytes: number = DEFAULT_PART_BYTES,
): AsyncGenerator<Uint8Array> {
  const size = Math.min(partBytes, MAX_UPLOAD_PART_BYTES)
  let at = from
  let part = new Uint8Array(Math.min(size, model.bytes - at))
  let filled = 0
  if (part.length === 0) yield part
  for await (const chunk of model.read(from)) {
    for (let offset = 0; offset < chunk.length;) {
      const taken = Math.min(chunk.length - offset, part.length - filled)
      part.set(chunk.subarray(offset, offset + taken), filled)
      offset += taken
      filled += taken
      if (filled < part.length) continue
      yield part
      at += filled
      filled = 0
      part = new Uint8Array(Math.min(size, model.bytes - at))
      if (part.length === 0) return
    }
  }
}
