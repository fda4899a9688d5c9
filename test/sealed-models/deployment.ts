import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { connect, type ModelOwner, modelOwner, type Sotto } from '@sotto/client'
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type DsseSigner, parseDsse, signDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  artifactImportInfo,
  type ArtifactKeyImport,
  artifactKeyImportDecoder,
  decodeDocument,
  documentDigest,
  encodeDocument,
  PAYLOAD_TYPES,
  unwrapSecret,
  WRAP_SUITE,
} from '@sotto/protocol/keyrelease'
import {
  KEYS_RECEIPT_TYPE,
  type KeysReceipt,
  MAX_PUBLICATION_BYTES,
  MAX_WITHDRAWAL_BYTES,
  modelPublicationDecoder,
  modelWithdrawalDecoder,
  verifyOwnerDocument,
} from '@sotto/protocol/sealed-models'
import { openRegistry, type RunningRegistry } from '../../packages/edge/src/registry/index.ts'
import { appendTo } from '../../packages/edge/test/issuer/parties.ts'
import { createService, type FakeService, RELAY } from '../../packages/client/test/support/service.ts'

/** A deployment in memory with a real registry, and what a KMS would hold. */
export interface Deployment {
  service: FakeService
  registry: RunningRegistry
  store: string
  /** How far the registry's clock is ahead of everybody else's, in seconds. */
  clock: { ahead: number }
  /** Content keys by artifact, as the KMS unwrapped them. */
  keys: Map<string, { key: Uint8Array; import: ArtifactKeyImport }>
  /** Called with each inner request; may answer in the service's place, or throw. And with what the KMS is to sign. */
  intercept: {
    receipt?: (receipt: KeysReceipt) => KeysReceipt
    signer?: DsseSigner | undefined
    request?: (request: Request) => Response | undefined | Promise<Response | undefined>
  }
  /** What stands between may answer something else to a removal. */
  onWithdrawn: (answer: Uint8Array) => Uint8Array
  /** The registry says that it has no such model, and keeps it. */
  withoutRegistry: boolean
  admit(owners: readonly { key: string; models?: number; bytes?: number }[]): void
  connect(): Promise<Sotto>
}

/** Relay, gateway and enclave are of the test kit, the registry is real. */
export async function deploy(): Promise<Deployment> {
  const importKey = WRAP_SUITE.kem.generate()
  const service = await createService({
    binding: (binding) => ({ ...binding, importKey: toBase64Url(importKey.publicKey) }),
  })
  const { world } = service
  const folder = mkdtempSync(join(tmpdir(), 'sotto-sealed-models-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const owners = join(folder, 'owners.json')
  const store = join(folder, 'store')
  const clock = { ahead: 0 }
  const registry = openRegistry({
    store,
    genesis: world.genesisDigest,
    owners,
    log: { append: appendTo(world.log, service.now) },
    uploadRestSeconds: 3600,
    maxUploads: 8,
    now: () => service.now() + clock.ahead,
  })
  const keys: Deployment['keys'] = new Map()
  const intercept: Deployment['intercept'] = {}

  /** Whether the KMS takes an import: not one that is older than what it holds. */
  function take(envelope: string): boolean {
    const parsed = parseDsse(utf8(envelope))
    const document = decodeDocument(parsed.payload, artifactKeyImportDecoder)
    verifyDsse(parsed, PAYLOAD_TYPES.artifactKeyImport, [fromBase64Url(document.owner)])
    const key = unwrapSecret(importKey, artifactImportInfo(document), document)
    const held = keys.get(document.artifact)?.import
    if (held !== undefined && document.createdAt < held.createdAt) return false
    keys.set(document.artifact, { key, import: document })
    return true
  }

  /** What the KMS destroys, and what it signs about that. */
  function forget(envelope: string): string {
    const removal = verifyOwnerDocument('removal', envelope, world.genesisDigest)
    const { owner, name, version } = removal
    const named = [...keys].filter(([, { import: held }]) => {
      const isOfIt = held.owner === owner && held.model?.name === name
      return isOfIt && (version === 'all' || held.model?.version === version)
    })
    for (const [artifact] of named) keys.delete(artifact)
    const receipt: KeysReceipt = {
      format: 'sotto-model-keys-receipt/1',
      genesis: world.genesisDigest,
      removal: documentDigest(utf8(envelope)),
      destroyed: named.map(([artifact]) => artifact),
      shared: [],
      newer: [],
      issuedAt: service.now(),
    }
    return fromUtf8(
      signDsse(KEYS_RECEIPT_TYPE, encodeDocument(intercept.receipt?.(receipt) ?? receipt), [
        intercept.signer ?? world.signers.kms,
      ]),
    )
  }

  const forward = (method: string, path: string, body?: BodyInit, headers = {}): Promise<Response> =>
    Promise.resolve(
      registry.app(
        new Request(`http://models.test${path}`, { method, headers, ...(body !== undefined && { body }) }),
      ),
    )

  service.knobs.app = async (request) => {
    const answered = await intercept.request?.(request)
    if (answered !== undefined) return answered
    const { pathname, search } = new URL(request.url)
    const path = pathname.replace(/^\/v1\/sealed-models/, '')
    const offset = request.headers.get('upload-offset')
    const body = new Uint8Array(await request.arrayBuffer())
    if (path === '') return forward('GET', `/v1/models${search}`)
    if (path.startsWith('/uploads'))
      return forward(request.method, `/v1${path}`, body, offset === null ? {} : { 'upload-offset': offset })
    if (request.method === 'GET') return forward('GET', `/v1/models${path}`)
    if (request.method === 'PUT') {
      const publication = decodeJson(body, modelPublicationDecoder, MAX_PUBLICATION_BYTES)
      if (!take(publication.import)) return refusal('KMS_ARTIFACT_REPLAY', 409)
      return forward('PUT', '/v1/models', publication.statement)
    }
    const withdrawal = decodeJson(body, modelWithdrawalDecoder, MAX_WITHDRAWAL_BYTES)
    const receipt = forget(withdrawal.removal)
    if (deployment.withoutRegistry) return new Response(encodeDocument({ receipt }) as BodyInit)
    const answer = await forward('POST', '/v1/removals', withdrawal.removal)
    const logged = (await answer.json()) as object
    const withdrawn = encodeDocument({ receipt, ...(answer.ok && { logged }) })
    return new Response(deployment.onWithdrawn(withdrawn) as BodyInit)
  }

  const deployment: Deployment = {
    onWithdrawn: (answer) => answer,
    withoutRegistry: false,
    service,
    registry,
    store,
    clock,
    keys,
    intercept,
    admit(list) {
      const full = list.map(({ key, models = 10, bytes = 1e9 }) => ({ key, models, bytes }))
      writeFileSync(owners, JSON.stringify({ owners: full }))
    },
    connect: () => connect(RELAY, { policy: world.policy, fetch: service.fetch, now: service.now }),
  }
  return deployment
}

/** What the inner API answers where KMS or registry refuse. */
export const refusal = (code: string, status: number): Response =>
  Response.json({ error: { code, message: 'because', action: 'fix-input' } }, { status })

/** Bodies of the inner API are canonical JSON. */
function decodeJson<T>(body: Uint8Array, decoder: (value: unknown, path: string) => T, maxBytes: number): T {
  return decodeDocument(body, decoder, 'body', maxBytes)
}

export const newOwner = (): ModelOwner => modelOwner(crypto.randomBytes(32))
