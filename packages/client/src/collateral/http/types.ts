/** One question to a vendor. */
export interface HttpQuestion {
  url: URL
  /** For people, as the subject of a sentence: 'the certificate of the chip'. */
  what: string
  /** Sent with POST; otherwise GET. */
  body?: { type: string; bytes: Uint8Array }
  headers?: Readonly<Record<string, string>>
  /** Media types that the answer may have; empty: any, where servers are known to send wrong ones. */
  accepts: readonly string[]
  /** Bytes; more is refused before it is read. */
  maxBytes: number
}

/** What came back with status 200. Nothing has been proven about it. */
export interface HttpAnswer {
  body: Uint8Array
  /** Value of a response header; null when there is none. */
  header(name: string): string | null
}

/** How vendors are reached. All of the outside world is a parameter. */
export interface HttpOptions {
  /** Default globalThis.fetch. */
  fetch?: typeof globalThis.fetch
  signal?: AbortSignal
  /** Milliseconds for one attempt, its body included. Default 20,000. */
  timeoutMs?: number
  /** Connections for one question at most. Default 4. */
  attempts?: number
  /** Longest single wait between attempts, milliseconds; a server that asks for more is not waited for. Default 60,000. */
  maxWaitMs?: number
  /** Milliseconds since the Unix epoch. Default the system clock. */
  nowMs?: () => number
  /** Waits; rejects when the signal aborts. Default a timer. */
  pause?: (milliseconds: number, signal?: AbortSignal) => Promise<void>
  /** From 0 to 1, spreads retries of many clients. Default Math.random: nothing secret depends on it. */
  random?: () => number
  /** Told of each wait before it begins. */
  onWait?: (what: string, milliseconds: number, why: string) => void
}
