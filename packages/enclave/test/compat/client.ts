import { AzureResponseOpener } from '@sotto/protocol/azure-dialect'
import { encodeRequest, type BhttpField } from '@sotto/protocol/bhttp'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import {
  OHTTP_MEDIA_TYPE,
  OhttpClientKey,
  OhttpGatewayKey,
  type OhttpRequestSealer,
} from '@sotto/protocol/ohttp'
import type { App } from '@sotto/serve/errors'
import { createAzureGateway, isAzureKey } from '../../src/compat/index.ts'
import {
  createDateWindow,
  createKeyRing,
  type GatewayOptions,
  type KeyRing,
} from '../../src/gateway/index.ts'
import { IDENTITY, newKey, POLICY } from '../gateway/parties.ts'

/** A gateway with a P-384 key, id 9, and an X25519 key, id 7. */
export interface CompatGateway {
  app: App
  keys: KeyRing
  key: OhttpGatewayKey
  errors: string[]
  clock: { wall: number; mono: number }
}

export function p384Key(keyId: number): OhttpGatewayKey {
  return new OhttpGatewayKey(keyId, kemById(HPKE_KEM.DHKEM_P384).generate(), [
    { kdfId: HPKE_KDF.HKDF_SHA384, aeadId: HPKE_AEAD.AES_256_GCM },
  ])
}

export function openCompat(
  inner: GatewayOptions['inner'],
  change: Partial<GatewayOptions> = {},
): CompatGateway {
  const clock = { wall: Date.now(), mono: 0 }
  const keys = createKeyRing({
    keepMs: 600_000,
    maxEntries: 1000,
    monotonicNow: () => clock.mono,
    now: () => clock.wall / 1000,
    keepForLife: isAzureKey,
  })
  const key = p384Key(9)
  const notAfter = clock.wall / 1000 + 86_400
  keys.install([
    { key: newKey(7), policy: POLICY, notAfter },
    { key, policy: POLICY, notAfter },
  ])
  const errors: string[] = []
  const dates = createDateWindow({
    windowMs: 300_000,
    now: () => clock.wall,
    monotonicNow: () => clock.mono,
  })
  dates.open()
  const options: GatewayOptions = {
    keys,
    inner,
    modelOf: () => undefined,
    identity: () => IDENTITY,
    trustBundle: () => utf8('{}'),
    dates,
    onError: (code) => errors.push(code),
    ...change,
  }
  return { app: createAzureGateway(options), keys, key, errors, clock }
}

/** What a client of the dialect sends: no authority and no date, unless it is told to. */
export interface Message {
  path?: string
  authority?: string
  fields?: BhttpField[]
  body?: string | Uint8Array
}

export function sealRequest(
  key: OhttpGatewayKey,
  { path = '/v1/echo', authority = '', fields = [['content-type', 'text/plain']], body = '' }: Message = {},
): { sealer: OhttpRequestSealer; wire: Uint8Array } {
  const sealer = new OhttpClientKey(key.config, key.config.algorithms[0]!).request({ isChunked: false })
  const content = [typeof body === 'string' ? utf8(body) : body]
  const head = { method: 'POST', scheme: 'https', authority, path, fields }
  const wire = concat(...sealer.seal(concat(...encodeRequest(head, { content }))), ...sealer.end())
  return { sealer, wire }
}

export function score(wire: Uint8Array, headers: Record<string, string> = {}): Request {
  return new Request('http://gateway/score', {
    method: 'POST',
    headers: { 'content-type': OHTTP_MEDIA_TYPE.chunkedRequest, ...headers },
    body: wire as Uint8Array<ArrayBuffer>,
  })
}

/** Opens an answer; throws when it has no verified end. */
export async function open(response: Response, sealer: OhttpRequestSealer): Promise<string> {
  const opener = new AzureResponseOpener(sealer.openUnframed())
  const body = opener.push(new Uint8Array(await response.arrayBuffer()))
  opener.finish()
  return new TextDecoder().decode(concat(...body))
}

/** Sends one message and opens the answer. */
export async function ask(
  gateway: CompatGateway,
  message: Message = {},
  headers: Record<string, string> = {},
): Promise<{ response: Response; text: string }> {
  const { sealer, wire } = sealRequest(gateway.key, message)
  const response = await gateway.app(score(wire, headers))
  return { response, text: await open(response, sealer) }
}
