import { encodeContentChunk, encodeEnd, encodeResponseStart, parseRequest } from '@sotto/protocol/bhttp'
import { fromUtf8, toBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { canonicalJson } from '@sotto/protocol/jcs'
import {
  encodeDocument,
  type KmsCertificate,
  PAYLOAD_TYPES,
  type ReleaseReceipt,
} from '@sotto/protocol/keyrelease'
import {
  encodeKeyConfig,
  OhttpGatewayKey,
  OhttpRequestOpener,
  type MessageSealer,
} from '@sotto/protocol/ohttp'
import {
  encodeReceiptTrailer,
  type InferenceReceipt,
  type ReceiptCertificate,
  RECEIPT_TRAILER,
  requestDigest,
  responseDigest,
} from '@sotto/protocol/receipts'
import { streamOf } from '../../src/streams.ts'
import { bundleForNonce, createWorld, fakeSigner, type World, type WorldOptions } from '@sotto/testkit'
import { tile } from './tile.ts'

/** One request the service saw from outside. */
export interface OuterCall {
  method: string
  path: string
  /** What the address asks evidence for; absent: nothing. */
  nonce?: string
  headers: Record<string, string>
  /** Bytes of the body, as they arrived. */
  body: Uint8Array
}

/** One request the enclave saw inside. */
export interface InnerCall {
  method: string
  authority: string
  path: string
  headers: Record<string, string>
  body: Uint8Array
}

/** What a test may bend. All of it may change between requests. */
export interface ServiceKnobs {
  /** The inner app. */
  app: (request: Request) => Response | Promise<Response>
  /** Answers instead of relay and gateway. */
  outer?: ((call: OuterCall) => Response | undefined) | undefined
  /** Bytes of the trust bundle instead of the honest ones. */
  bundleBytes?: (() => Uint8Array) | undefined
  /** Changes the encapsulated answer on its way. */
  mangle?: ((sealed: AsyncGenerator<Uint8Array>) => AsyncIterable<Uint8Array>) | undefined
  /** Changes the receipt before it is signed. */
  receipt?: ((receipt: InferenceReceipt) => InferenceReceipt) | undefined
  /** The evidence whose certificate is answered when the one of `evidence` is asked for. */
  certificateFor?: ((evidence: string) => string) | undefined
  /** Leaves receipts out. */
  withoutReceipts?: boolean
  /** Milliseconds the enclave's clock is ahead; requests more than 60 s away are refused. */
  clockOffsetMs: number
}

/** Relay, gateway, log and enclave of one deployment, in memory. */
export interface FakeService {
  world: World
  knobs: ServiceKnobs
  outerCalls: OuterCall[]
  innerCalls: InnerCall[]
  /** Encapsulated keys seen, to prove that no context is used twice. */
  encs: string[]
  fetch: typeof globalThis.fetch
  now: () => number
  /** Gives the service new request keys; old ones are unknown from now on. */
  rotate(): Promise<void>
  /** The enclave renews its evidence: its next receipts name it, and it has one certificate more. */
  renew(): Promise<void>
  /** The KMS starts again with another statement key, and the enclave gets its keys from it. The bundle stays that of before. */
  restartKms(): Promise<void>
}

export const RELAY = 'https://relay.example'
const WINDOW_MS = 60_000
const FIRST_EVIDENCE = 'd4'.repeat(32)
const ALGORITHMS = [{ kdfId: HPKE_KDF.HKDF_SHA256, aeadId: HPKE_AEAD.AES_128_GCM }]

/** Builds the deployment. */
export async function createService(options: WorldOptions = {}): Promise<FakeService> {
  const receiptSigner = fakeSigner()
  let keys: Map<number, OhttpGatewayKey>
  let world: World
  let certificates = new Map<string, Uint8Array>()
  let evidence = FIRST_EVIDENCE
  let kms: Kms
  let nextKeyId = 7

  async function build(): Promise<void> {
    const kems = [HPKE_KEM.X_WING, HPKE_KEM.DHKEM_X25519]
    keys = new Map(
      kems.map((kem) => [nextKeyId, new OhttpGatewayKey(nextKeyId++, kemById(kem).generate(), ALGORITHMS)]),
    )
    world = await createWorld({
      keys: (policy, now) =>
        [...keys.values()].map(({ config }) => ({
          keyId: config.keyId,
          config: toBase64Url(encodeKeyConfig(config)),
          policy,
          notBefore: now - 50,
          notAfter: now + 3600,
        })),
      ...options,
    })
    evidence = FIRST_EVIDENCE
    kms = { signer: world.signers.kms, certificate: world.bundle.kms.certificate.envelope }
    certificates = new Map()
    await release()
  }
  async function release(): Promise<void> {
    const receiptKey = toBase64Url(receiptSigner.publicKey)
    certificates.set(evidence, await certify(world, [...keys.keys()], receiptKey, evidence, kms))
  }
  await build()

  const service: FakeService = {
    get world() {
      return world
    },
    knobs: { app: () => Response.json({ ok: true }), clockOffsetMs: 0 },
    outerCalls: [],
    innerCalls: [],
    encs: [],
    now: () => world.now,
    rotate: build,
    async renew() {
      evidence = toHex(new Uint8Array(32).fill(certificates.size))
      await release()
    },
    async restartKms() {
      const signer = fakeSigner()
      const certificate: KmsCertificate = {
        version: 1,
        genesis: world.genesisDigest,
        signingKey: toBase64Url(signer.publicKey),
        notBefore: world.now - 60,
        notAfter: world.now + 86_400,
      }
      const envelope = signDsse(PAYLOAD_TYPES.kmsCertificate, encodeDocument(certificate), [
        world.signers.root,
      ])
      world.log.append(envelope)
      kms = { signer, certificate: fromUtf8(envelope) }
      await service.renew()
    },
    fetch: (async (input: unknown, init: RequestInit & { body?: BodyInit } = {}) => {
      init.signal?.throwIfAborted()
      const url = new URL(String(input))
      const body = new Uint8Array(await new Response(init.body ?? null).arrayBuffer())
      const headers = Object.fromEntries(new Headers(init.headers))
      const nonce = url.searchParams.get('nonce')
      const call: OuterCall = {
        method: init.method ?? 'GET',
        path: url.pathname,
        ...(nonce !== null && { nonce }),
        headers,
        body,
      }
      service.outerCalls.push(call)
      const bent = service.knobs.outer?.(call)
      if (bent !== undefined) return bent
      const response = await route(call, init.signal ?? undefined)
      init.signal?.throwIfAborted()
      return response
    }) as typeof globalThis.fetch,
  }

  function route(call: OuterCall, signal: AbortSignal | undefined): Response | Promise<Response> {
    if (call.method === 'GET' && call.path === '/relay/inference/trust') {
      const { nonce } = call
      const bundle = nonce === undefined ? world.bundle : bundleForNonce(world, nonce)
      const bytes = service.knobs.bundleBytes?.() ?? encodeTrustBundle(bundle)
      return new Response(bytes as BodyInit, { headers: { 'content-type': 'application/json' } })
    }
    if (call.method === 'GET' && call.path.startsWith('/log/tile/')) return tile(world, call.path)
    if (call.method === 'POST' && call.path === '/relay/inference') return gateway(call, signal)
    return new Response(null, { status: 404 })
  }

  async function gateway(call: OuterCall, signal: AbortSignal | undefined): Promise<Response> {
    const opener = new OhttpRequestOpener({ isChunked: true, findKey: (id) => keys.get(id) })
    let message: ReturnType<typeof parseWhole>
    try {
      message = parseWhole([...opener.push(call.body), ...opener.finish()])
    } catch (error) {
      return new Response(null, {
        status: (error as { code?: string }).code === 'OHTTP_UNKNOWN_KEY' ? 422 : 400,
      })
    }
    service.encs.push(toHex(call.body.subarray(7, 7 + 64)))
    service.innerCalls.push(message)
    const enclaveMs = world.now * 1000 + service.knobs.clockOffsetMs
    const inDate = Math.abs(Date.parse(message.headers['date'] ?? '') - enclaveMs) <= WINDOW_MS
    const response = inDate ? await inner(message) : dateProblem(enclaveMs)
    const seal = opener.respond()
    const sealed = answer(message, response, seal, opener.header!.keyId, signal)
    const mangled = service.knobs.mangle?.(sealed) ?? sealed
    return new Response(streamOf(mangled) as BodyInit, {
      headers: { 'content-type': 'message/ohttp-chunked-res' },
    })
  }

  async function inner(message: InnerCall): Promise<Response> {
    const asked = /^\/sotto\/receipt-certificate\?evidence=([0-9a-f]{64})$/.exec(message.path)?.[1]
    if (asked !== undefined) {
      const bytes = certificates.get(service.knobs.certificateFor?.(asked) ?? asked)
      return new Response((bytes ?? null) as BodyInit, { status: bytes === undefined ? 404 : 200 })
    }
    const { method, authority, path, headers, body } = message
    const init = { method, headers, ...(method === 'GET' ? {} : { body: body as BodyInit }) }
    return service.knobs.app(new Request(`https://${authority}${path}`, init))
  }

  async function* answer(
    request: InnerCall,
    response: Response,
    sealer: MessageSealer,
    keyId: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const salt = crypto.randomBytes(32)
    const contentType = response.headers.get('content-type') ?? ''
    const digest = responseDigest(salt, { status: response.status, contentType })
    yield* sealer.seal(encodeResponseStart({ status: response.status, fields: [...response.headers] }))
    const reader = response.body?.getReader()
    signal?.addEventListener('abort', () => void reader?.cancel())
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
      signal?.throwIfAborted()
      if (done) break
      digest.update(value!)
      for (const part of encodeContentChunk(value!)) yield* sealer.seal(part)
    }
    const about = requestDigest(salt, {
      method: request.method,
      path: request.path,
      contentType: request.headers['content-type'] ?? '',
    })
    about.update(request.body)
    const trailers: [string, string][] = service.knobs.withoutReceipts
      ? []
      : [[RECEIPT_TRAILER, signReceipt(salt, about.digest(), digest.digest(), keyId)]]
    yield* sealer.end(encodeEnd(trailers, 13))
  }

  function signReceipt(salt: Uint8Array, request: string, response: string, keyId: number): string {
    const receipt: InferenceReceipt = {
      version: 1,
      genesis: world.genesisDigest,
      request,
      response,
      model: 'c3'.repeat(32),
      keyId,
      policy: world.keyPolicyDigest,
      evidence,
      after: { size: 1, root: 'e5'.repeat(32) },
    }
    const document = encodeDocument((service.knobs.receipt ?? ((same) => same))(receipt))
    const envelope = fromUtf8(signDsse(PAYLOAD_TYPES.inferenceReceipt, document, [receiptSigner]))
    return encodeReceiptTrailer({ envelope, salt: toBase64Url(salt) })
  }

  return service
}

/** The statement key of one start of a KMS, and the envelope that certifies it. */
interface Kms {
  signer: DsseSigner
  certificate: string
}

/** The KMS's logged release of these keys to the enclave with this receipt key. */
export async function certify(
  world: World,
  keyIds: number[],
  receiptKey: string,
  evidence: string,
  kms: Kms = { signer: world.signers.kms, certificate: world.bundle.kms.certificate.envelope },
): Promise<Uint8Array> {
  const release: ReleaseReceipt = {
    version: 1,
    genesis: world.genesisDigest,
    epoch: 1,
    keyIds,
    policy: world.keyPolicyDigest,
    tuple: 'inference',
    evidence,
    hardware: ['software'],
    receiptKey,
    issuedAt: world.now,
    notAfter: world.now + 3600,
  }
  const envelope = signDsse(PAYLOAD_TYPES.releaseReceipt, encodeDocument(release), [kms.signer])
  // The log grows beyond the bundle's checkpoint; the bundle stays as it is.
  world.log.append(envelope)
  const proven = async (text: string): Promise<ReceiptCertificate['release']> =>
    world.log.prove(new TextEncoder().encode(text))
  const certificate: ReceiptCertificate = {
    release: await world.log.prove(envelope),
    certificate: await proven(kms.certificate),
    genesis: await proven(world.bundle.genesis.envelope),
    checkpoint: await world.log.checkpoint({ time: world.now }),
  }
  return canonicalJson(certificate)
}

function parseWhole(plaintext: readonly Uint8Array[]): InnerCall {
  const parser = parseRequest()
  const events = plaintext.flatMap((part) => parser.push(part)).concat(parser.finish())
  const content: Uint8Array[] = []
  let call: Omit<InnerCall, 'body'> | undefined
  for (const event of events) {
    if (event.type === 'content') content.push(event.bytes)
    if (event.type !== 'head') continue
    const { method, path, fields, scheme, authority } = event.head
    if (scheme !== 'https' || !['inference.sotto', 'app.sotto'].includes(authority))
      throw new Error('wrong authority')
    call = { method, authority, path, headers: Object.fromEntries(fields) }
  }
  return { ...call!, body: new Uint8Array(Buffer.concat(content)) }
}

function dateProblem(enclaveMs: number): Response {
  return new Response(JSON.stringify({ type: 'https://iana.org/assignments/http-problem-types#date' }), {
    status: 400,
    headers: { 'content-type': 'application/problem+json', date: new Date(enclaveMs).toUTCString() },
  })
}
