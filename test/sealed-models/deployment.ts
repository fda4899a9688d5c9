import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { connect, type ModelOwner, modelOwner, type Sotto } from '@sotto/client'
import { fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import {
  artifactImportInfo,
  type ArtifactKeyImport,
  artifactKeyImportDecoder,
  artifactKeyRemovalDecoder,
  decodeDocument,
  PAYLOAD_TYPES,
  unwrapSecret,
  WRAP_SUITE,
} from '@sotto/protocol/keyrelease'
import {
  MAX_PUBLICATION_BYTES,
  MAX_WITHDRAWAL_BYTES,
  modelPublicationDecoder,
  modelWithdrawalDecoder,
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
  /** Called with each inner request; may answer in the service's place, or throw. */
  intercept: { request?: (request: Request) => Response | undefined | Promise<Response | undefined> }
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

  function take(envelope: string): void {
    const parsed = parseDsse(utf8(envelope))
    const document = decodeDocument(parsed.payload, artifactKeyImportDecoder)
    verifyDsse(parsed, PAYLOAD_TYPES.artifactKeyImport, [fromBase64Url(document.owner)])
    const key = unwrapSecret(importKey, artifactImportInfo(document), document)
    keys.set(document.artifact, { key, import: document })
  }

  function forget(envelope: string): void {
    const parsed = parseDsse(utf8(envelope))
    const { artifact, owner } = decodeDocument(parsed.payload, artifactKeyRemovalDecoder)
    verifyDsse(parsed, PAYLOAD_TYPES.artifactKeyRemoval, [fromBase64Url(owner)])
    keys.delete(artifact)
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
      take(publication.import)
      return forward('PUT', '/v1/models', publication.statement)
    }
    const withdrawal = decodeJson(body, modelWithdrawalDecoder, MAX_WITHDRAWAL_BYTES)
    withdrawal.keyRemovals.forEach(forget)
    return forward('POST', '/v1/removals', withdrawal.removal)
  }

  return {
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
}

/** Bodies of the inner API are canonical JSON. */
function decodeJson<T>(body: Uint8Array, decoder: (value: unknown, path: string) => T, maxBytes: number): T {
  return decodeDocument(body, decoder, 'body', maxBytes)
}

export const newOwner = (): ModelOwner => modelOwner(crypto.randomBytes(32))
