import {
  MAX_UPLOAD_PART_BYTES,
  signOwnerDocument,
  type UploadState,
  uploadStateDecoder,
} from '@sotto/protocol/sealed-models'
import { clientError } from '../errors.ts'
import { resumeUpload } from '../uploads/index.ts'
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
  const { signal, onBytes, pauseMs, partBytes = DEFAULT_PART_BYTES } = options
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
  await resumeUpload<UploadState>(
    {
      begin: async () => ofThis(await api.call('POST', '/uploads', STATE, { body: intent, signal }), model),
      append: async ({ upload, offset }, part) =>
        ofThis(
          await api.call('PATCH', `/uploads/${upload}`, STATE, {
            body: part,
            type: 'application/octet-stream',
            headers: { 'upload-offset': String(offset) },
            signal,
          }),
          model,
        ),
      isPassing: ({ found }) => PASSING[found ?? ''],
      stalled: () => clientError('MODEL_UNAVAILABLE', 'the service takes no more of the upload'),
    },
    model,
    { partBytes: Math.min(partBytes, MAX_UPLOAD_PART_BYTES), onBytes, signal, pauseMs },
  )
}

/**
 * What passes once the upload is begun again. Another upload of the same file may be ahead: then there is nothing to wait
 * for. One that is not there any more was completed by somebody else, who has published it meanwhile, or rested too long.
 */
const PASSING: Readonly<Record<string, 'now' | 'later'>> = {
  __proto__: null as never,
  REGISTRY_OFFSET: 'now',
  REGISTRY_UPLOAD_UNKNOWN: 'later',
}

/** @throws `MODEL_UNAVAILABLE` where the service speaks of another file */
function ofThis(state: UploadState, { digest, bytes }: SealedModel): UploadState {
  if (state.digest === digest && state.bytes === bytes) return state
  throw clientError('MODEL_UNAVAILABLE', 'the service answered for another upload')
}
