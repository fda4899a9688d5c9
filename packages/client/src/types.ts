import type { SottoError } from '@sotto/protocol/errors'
import type { InferenceReceipt, SavedReceipt } from '@sotto/protocol/receipts'
import type { Step, TrustPolicy, Verdict } from '@sotto/verifier'
import type { LiveOptions, LiveTranscription } from './live/types.ts'
import type { SottoModels } from './models/types.ts'
import type { SottoRooms } from './rooms/types.ts'
import type { SottoTensors } from './tensors/types.ts'
import type { TokenOptions } from './tokens/types.ts'
import type { WebSocketClass } from './transport/index.ts'

/**
 * Small values kept between runs: the last log checkpoint seen, so that the log cannot show this
 * client another history later (T6). Whoever can write here can make the client forget, not accept
 * a bad key. Never given requests, answers or keys. Calls may run concurrently.
 */
export interface SottoStorage {
  /** The value; undefined when there is none. Rejecting stops verification: forgetting must be deliberate. */
  get(key: string): Promise<string | undefined>
  /** Must be durable once it resolves. */
  set(key: string, value: string): Promise<void>
  /**
   * Runs `work` while nobody else who shares what is stored runs any under this key, and passes on how it ended. Access
   * tokens are taken and put there in it. @default connections with one storage object take turns, and those of
   * different ones under Web Locks where there are any: in all pages of an origin, in one Node process
   */
  lock?<T>(key: string, work: () => Promise<T>): Promise<T>
}

/** Options of {@link connect}. */
export interface ConnectOptions {
  /** What you accept. Get it from somebody you trust, never from the operator. */
  policy: TrustPolicy
  /** Name of the gateway at the relay, 1-64 of `a-z 0-9 -`. @default 'inference' */
  gateway?: string
  /** Reaches the relay. @default globalThis.fetch */
  fetch?: typeof globalThis.fetch
  /** Seconds since the Unix epoch. @default the system clock */
  now?: () => number
  /** Where the last checkpoint is remembered. @default memory only: each process starts without a past */
  storage?: SottoStorage
  /**
   * Where the log serves its tiles (C2SP tlog-tiles), needed when it grew since this client last looked.
   * @default `/log` at the relay
   */
  log?: string
  /** Called for each step as soon as the verdict is known, at every verification. */
  onStep?: (step: Step) => void
  /** Called once for each complete answer that carried a receipt, verified or refused. */
  onReceipt?: (record: ReceiptRecord) => void
  /**
   * Saved receipts hold the trust bundle by which the service was judged, so that hardware and code can be judged from the
   * file alone, years later. It adds 14 to 30 KB to the 5 KB of a receipt, at most 1 MiB; receipts of one verdict share the
   * object. Missing where the KMS has restarted since the verdict, until the next one. @default true
   */
  receiptTrust?: boolean
  /** Cancels the first verification. */
  signal?: AbortSignal
  /** Access tokens, for services that take requests with one only. @default none are sent */
  tokens?: TokenOptions
  /**
   * Stream uploads to the relay. Browsers cannot do so over HTTP/1.1, so there the encrypted request is
   * collected first. @default true on Node, false in browsers
   */
  streamUploads?: boolean
  /**
   * Carries live requests, over one WebSocket of the relay each, instead of `fetch`, which sends all of a body before
   * the answer in browsers. @default `WebSocket` in browsers, none on Node
   */
  webSocket?: WebSocketClass
}

/** How a service is checked without connecting to it. */
export interface CheckOptions extends ConnectOptions {
  /**
   * 16 to 64 random bytes, base64url: the KMS makes evidence for them, now, and the verdict has a step `kms.nonce`. For
   * auditors: it costs the service a report of its hardware, so a few a second are answered in all. Whoever connects does
   * without: what everybody gets is the same for everybody. @default none
   */
  nonce?: string
}

/** A receipt after verification against the request sent and the answer received. */
export type ReceiptRecord =
  | { status: 'verified'; receipt: InferenceReceipt; saved: SavedReceipt }
  | { status: 'refused'; error: SottoError }

/** A verified connection. All of it keeps verifying: see `fetch`. */
export interface Sotto {
  /** Base for any OpenAI-compatible SDK: `https://inference.sotto/v1`. Only {@link fetch} can reach it. */
  readonly baseURL: string
  /**
   * Base for requests to the app that the enclave runs beside its models, where it runs one: `https://app.sotto`. Only
   * {@link fetch} can reach it, and only apps that your policy names get that far. Of your headers `accept` and
   * `content-type` arrive, no cookie and no credential.
   */
  readonly appURL: string
  /**
   * `fetch` for URLs under {@link baseURL}'s origin and {@link appURL}. Verifies again when the verdict has run out, encrypts to a
   * verified key, streams both ways. Throws `SottoError` (see `ClientErrorCode`) for everything outside the
   * encryption; a `Response` is always the enclave's own. A body that was cut errors, it never just ends.
   */
  readonly fetch: typeof globalThis.fetch
  /**
   * {@link fetch} for a body that is still being made (a stream): each part of it leaves at once, and the answer
   * arrives meanwhile. Such a request is never repeated.
   */
  readonly fetchLive: typeof globalThis.fetch
  /**
   * Speech into text while somebody speaks.
   *
   * @param audio a recording as it is made, from its first byte: WAV, or with `sampleRate` raw 16-bit samples
   * @throws at the first event: `LIVE_REFUSED` by the service, and what {@link fetch} throws
   *
   * @example for await (const event of sotto.transcribeLive(microphone, { sampleRate: 16000 })) show(event)
   */
  transcribeLive(
    audio: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
    options?: LiveOptions,
  ): LiveTranscription
  /** Models of owners: sealed here, opened only in enclaves that their owner accepts. */
  readonly models: SottoModels
  /** Clean rooms that this side is a party of: contracts, their runs, and rooms as their members have them. */
  readonly rooms: SottoRooms
  /** Any ONNX model by tensor, with results that can be kept and verified later. */
  readonly tensors: SottoTensors
  /** The verdict in force. */
  readonly trust: Verdict
  /**
   * Verifies again where the verdict has run out, as {@link fetch} does before it sends anything; here nothing is sent.
   * @throws `VERIFY_REFUSED`, `BUNDLE_UNREACHABLE`, `BUNDLE_INVALID`
   */
  verify(): Promise<Verdict>
  /** The latest receipts, oldest first, at most 256. */
  readonly receipts: readonly ReceiptRecord[]
  /**
   * The verified receipt of a response from {@link fetch}, once its body has been read to the end.
   * @throws `RECEIPT_MISSING` it has none; `RECEIPT_INVALID`, `RECEIPT_UNPROVEN`; `RESPONSE_TRUNCATED` the body was cut
   */
  receiptOf(response: Response): Promise<SavedReceipt>
}
