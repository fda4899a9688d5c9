/**
 * One field line. The name is lower case. Each character of the value is one byte (as in a
 * fetch ByteString), so values survive that are not UTF-8.
 */
export type BhttpField = readonly [name: string, value: string]

/** Request control data and header fields (RFC 9292 Section 3.4). */
export interface BhttpRequestHead {
  readonly method: string
  readonly scheme: string
  /** Empty when the request names its host in a `host` field. */
  readonly authority: string
  readonly path: string
  readonly fields: readonly BhttpField[]
}

/** Response control data and header fields (RFC 9292 Section 3.5). */
export interface BhttpResponseHead {
  /** Informational responses 100 to 199, final ones 200 to 599. */
  readonly status: number
  readonly fields: readonly BhttpField[]
}

/** What a parser reports, in this order: informational*, head, content*, end. */
export type BhttpEvent<Head> =
  | { readonly type: 'informational'; readonly head: BhttpResponseHead }
  | { readonly type: 'head'; readonly head: Head }
  /** A view of the input or a buffer of its own: copy it to keep it after the input is reused. */
  | { readonly type: 'content'; readonly bytes: Uint8Array }
  /** The whole message was received and is well formed. */
  | { readonly type: 'end'; readonly trailers: readonly BhttpField[] }

/** Bounds of one message. All of them count bytes or items that a hostile sender chooses. */
export interface BhttpLimits {
  /** Bytes of the method, and of the scheme. */
  maxTokenBytes: number
  maxAuthorityBytes: number
  maxPathBytes: number
  /** Bytes of one field section as encoded: header, trailer, or of one informational response. */
  maxFieldSectionBytes: number
  /** Field lines of one section. */
  maxFields: number
  maxInformational: number
  /** Bytes of content. */
  maxContentBytes: number
  /** Zero bytes after the message. */
  maxPaddingBytes: number
}

/** Defaults: what common HTTP servers accept; content up to 1 GiB, which each endpoint narrows. */
export const DEFAULT_BHTTP_LIMITS: Readonly<BhttpLimits> = {
  maxTokenBytes: 32,
  maxAuthorityBytes: 512,
  maxPathBytes: 8192,
  maxFieldSectionBytes: 64 * 1024,
  maxFields: 256,
  maxInformational: 16,
  maxContentBytes: 2 ** 30,
  maxPaddingBytes: 2 ** 20,
}
