import { paddedLength } from './padding.ts'

/** Largest file of one upload when nobody configures another. */
export const DEFAULT_UPLOAD_BYTES: number = 256 * 2 ** 20

/** Smallest and largest that can be configured: no decoder reads a longer recording. */
export const MIN_UPLOAD_BYTES = 1024
export const MAX_UPLOAD_BYTES: number = 2 ** 30

/** Bounds of one request on its way in. Both follow from the largest file, so that one of that size passes everybody. */
export interface UploadLimits {
  /** The file itself, bytes: what the API inside holds a recording to. */
  fileBytes: number
  /**
   * The encapsulated message, as the relay receives it. The gateway takes as much content, so that a
   * request is too large for the relay before it is for the gateway.
   */
  messageBytes: number
}

/** Bodies without a file must fit however small the largest file is: as much as a JSON body of the API may have. */
const MIN_BODY_BYTES = 16 * 2 ** 20
/** Head, boundaries and text fields. */
const FORM_BYTES = 2 ** 20
/** One length for each piece of content: 2 bytes when pieces have at least 128. */
const FRAMING_SHARE = 64
/** Header of a request with the longest encapsulated key. */
const HEADER_BYTES = 2048
/** A sealed chunk: its length, its plaintext, its tag. */
const CHUNK_PLAINTEXT_BYTES = 16_384
const CHUNK_FRAMING_BYTES = 20
/** A file so much too large still reaches the API, whose refusal says what the limit is and is the enclave's word. */
const OVERSHOOT_BYTES = 16 * 2 ** 20

/** Bounds for a largest file of `fileBytes`: one place, because parties that differ refuse what the others allow. */
export function uploadLimits(fileBytes: number = DEFAULT_UPLOAD_BYTES): UploadLimits {
  const content = Math.max(fileBytes, MIN_BODY_BYTES) + FORM_BYTES + OVERSHOOT_BYTES
  const padded = paddedLength(content + Math.ceil(content / FRAMING_SHARE))
  const framing = Math.ceil(padded / CHUNK_PLAINTEXT_BYTES) * CHUNK_FRAMING_BYTES
  return { fileBytes, messageBytes: HEADER_BYTES + padded + framing }
}
