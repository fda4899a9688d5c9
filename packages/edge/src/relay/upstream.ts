/** What the relay sends to a gateway. There is no field for anything that could name the client. */
export interface UpstreamRequest {
  url: URL
  method: 'GET' | 'POST'
  /** Sent as `content-type`; absent for GET. */
  contentType?: string
  /** Sends `incremental: ?1` (RFC 10036): intermediaries must not wait for the whole body. */
  incremental: boolean
  /** Forwarded byte for byte, chunk by chunk. Not touched before there is a connection to send it over. */
  body?: ReadableStream<Uint8Array>
  /** Aborting destroys the connection, so that the gateway never sees a clean end. */
  signal: AbortSignal
}

/** What came back. `body` fails when the gateway's answer was cut. */
export interface UpstreamResponse {
  status: number
  /** As sent, or empty. Controlled by the gateway. */
  contentType: string
  body: ReadableStream<Uint8Array>
}

/**
 * Sends one request, once: no retry, no redirect, no decompression, no cache. Rejects when no
 * response head arrived. Calls run concurrently and may share connections.
 */
export type Upstream = (request: UpstreamRequest) => Promise<UpstreamResponse>
