import {
  encodeContentChunk,
  encodeEnd,
  encodeRequest,
  encodeRequestStart,
  decodeResponse,
  type BhttpField,
} from '@sotto/protocol/bhttp'
import { concat, utf8 } from '@sotto/protocol/bytes'
import type { PreparedSigner } from '@sotto/protocol/dsse'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM } from '@sotto/protocol/hpke'
import { kemById } from '@sotto/protocol/hpke'
import {
  OHTTP_MEDIA_TYPE,
  OhttpClientKey,
  OhttpGatewayKey,
  type OhttpRequestSealer,
} from '@sotto/protocol/ohttp'
import type { App } from '@sotto/serve/errors'
import { createGateway, type GatewayOptions } from '../../src/gateway/app.ts'
import { createDateWindow } from '../../src/gateway/date-window.ts'
import { createKeyRing, type KeyRing } from '../../src/gateway/key-ring.ts'
import { createReceiptKey } from '../../src/release/receipt-key.ts'

export const POLICY = 'ab'.repeat(32)
export const SIGNER: PreparedSigner = createReceiptKey()
export const IDENTITY = {
  genesis: '11'.repeat(32),
  evidence: '22'.repeat(32),
  after: { size: 9, root: '33'.repeat(32) },
  signer: SIGNER,
}

const ALGORITHMS = [
  { kdfId: HPKE_KDF.HKDF_SHA256, aeadId: HPKE_AEAD.AES_128_GCM },
  { kdfId: HPKE_KDF.HKDF_SHA256, aeadId: HPKE_AEAD.CHACHA20_POLY1305 },
]

export function newKey(keyId: number, kem: number = HPKE_KEM.DHKEM_X25519): OhttpGatewayKey {
  return new OhttpGatewayKey(keyId, kemById(kem).generate(), ALGORITHMS)
}

export interface TestGateway {
  app: App
  keys: KeyRing
  key: OhttpGatewayKey
  errors: string[]
  clock: { wall: number; mono: number }
}

/** A gateway with one X25519 key, id 7, whose inner app is `inner`. */
export function openGateway(
  inner: GatewayOptions['inner'],
  change: Partial<GatewayOptions> = {},
): TestGateway {
  const clock = { wall: Date.now(), mono: 0 }
  const keys = createKeyRing({
    keepMs: 600_000,
    maxEntries: 1000,
    monotonicNow: () => clock.mono,
    now: () => clock.wall / 1000,
  })
  const key = newKey(7)
  keys.install([{ key, policy: POLICY, notAfter: clock.wall / 1000 + 3600 }])
  const errors: string[] = []
  const dates = createDateWindow({ windowMs: 300_000, now: () => clock.wall })
  dates.open()
  const app = createGateway({
    keys,
    inner,
    modelOf: () => undefined,
    identity: () => IDENTITY,
    trustBundle: () => utf8('{}'),
    dates,
    onError: (code) => errors.push(code),
    ...change,
  })
  return { app, keys, key, errors, clock }
}

export interface InnerMessage {
  method?: string
  path?: string
  scheme?: string
  authority?: string
  fields?: BhttpField[]
  body?: Uint8Array | string
}

function headOf(message: InnerMessage) {
  const {
    method = 'POST',
    path = '/v1/echo',
    scheme = 'https',
    authority = 'inference.sotto',
    fields,
  } = message
  return {
    method,
    path,
    scheme,
    authority,
    fields: fields ?? [['date', new Date().toUTCString()] as const, ['content-type', 'text/plain'] as const],
  }
}

const bytesOf = (body: Uint8Array | string | undefined): Uint8Array =>
  typeof body === 'string' ? utf8(body) : (body ?? new Uint8Array())

export function plaintextOf(message: InnerMessage): Uint8Array {
  return concat(
    encodeRequestStart(headOf(message)),
    ...encodeContentChunk(bytesOf(message.body)),
    encodeEnd(),
  )
}

export function wholePlaintextOf(message: InnerMessage): Uint8Array {
  return concat(...encodeRequest(headOf(message), { content: [bytesOf(message.body)] }))
}

/** A chunked request: framed chunks of at most `chunk` plaintext bytes, the final one empty. */
export function sealedChunks(
  key: OhttpGatewayKey,
  message: InnerMessage,
  chunk = 64,
): { sealer: OhttpRequestSealer; parts: Uint8Array[] } {
  const sealer = new OhttpClientKey(key.config, key.config.algorithms[0]!).request()
  const plaintext = plaintextOf(message)
  const parts: Uint8Array[] = []
  for (let at = 0; at < plaintext.length; at += chunk)
    parts.push(concat(...sealer.seal(plaintext.subarray(at, at + chunk))))
  parts.push(concat(...sealer.end()))
  return { sealer, parts }
}

export function outerRequest(
  body: Uint8Array | ReadableStream<Uint8Array>,
  type: string = OHTTP_MEDIA_TYPE.chunkedRequest,
  signal?: AbortSignal,
): Request {
  return new Request('http://gateway/ohttp', {
    method: 'POST',
    headers: { 'content-type': type },
    body: body as Uint8Array<ArrayBuffer>,
    duplex: 'half',
    ...(signal && { signal }),
  } as RequestInit)
}

export interface OpenedAnswer {
  status: number
  headers: Headers
  body: Uint8Array
  text: string
  trailers: readonly BhttpField[]
  /** Plaintext chunk sizes on the wire. */
  chunks: number[]
}

/** Opens a chunked answer; throws when it has no verified end. */
export async function openAnswer(response: Response, sealer: OhttpRequestSealer): Promise<OpenedAnswer> {
  const opener = sealer.openResponse()
  const plaintext: Uint8Array[] = []
  const bytes = new Uint8Array(await response.arrayBuffer())
  plaintext.push(...opener.push(bytes))
  plaintext.push(...opener.finish())
  const chunks = plaintext.map((part) => part.length)
  const { head, content, trailers } = decodeResponse(plaintext)
  const body = concat(...content)
  return {
    status: head.status,
    headers: new Headers(head.fields.map(([name, value]) => [name, value] as [string, string])),
    body,
    text: new TextDecoder().decode(body),
    trailers,
    chunks,
  }
}

/** Sends one message and opens its answer. */
export async function ask(gateway: TestGateway, message: InnerMessage): Promise<OpenedAnswer> {
  const { sealer, parts } = sealedChunks(gateway.key, message)
  const response = await gateway.app(outerRequest(concat(...parts)))
  if (response.status !== 200) throw new Error(`outer ${response.status}: ${await response.text()}`)
  return openAnswer(response, sealer)
}

/** A body that is written by hand. */
export function handBody(): {
  stream: ReadableStream<Uint8Array>
  write: (bytes: Uint8Array) => void
  end: () => void
  fail: () => void
  cancelled: () => boolean
} {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  let isCancelled = false
  const stream = new ReadableStream<Uint8Array>({
    start: (c) => void (controller = c),
    cancel: () => void (isCancelled = true),
  })
  return {
    stream,
    write: (bytes) => controller.enqueue(bytes),
    end: () => controller.close(),
    fail: () => controller.error(new Error('connection reset')),
    cancelled: () => isCancelled,
  }
}
