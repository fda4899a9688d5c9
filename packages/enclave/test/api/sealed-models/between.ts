import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import {
  type ModelRemoval,
  type ModelStatement,
  ownerTag,
  signOwnerDocument,
} from '@sotto/protocol/sealed-models'
import { createSealedModels } from '../../../src/api/sealed-models/index.ts'

export const GENESIS = 'ab'.repeat(32)
export const ARTIFACT = 'ef'.repeat(16)
export const UPLOAD = '12'.repeat(16)
const secretSeed = new Uint8Array(32).fill(5)
const { publicKey } = crypto.ed25519.importPrivate(secretSeed)
const signer = { secretSeed, publicKey }
export const OWNER = toBase64Url(publicKey)
export const TAG = ownerTag(publicKey)

export const statement = (change: Partial<ModelStatement> = {}): string =>
  signOwnerDocument(
    'statement',
    {
      format: 'sotto-model-statement/1',
      genesis: GENESIS,
      owner: OWNER,
      name: 'bear',
      version: 1,
      artifact: ARTIFACT,
      digest: 'cd'.repeat(32),
      bytes: 1000,
      model: 'cd'.repeat(32),
      task: 'embedding',
      policy: '01'.repeat(32),
      createdAt: 5,
      ...change,
    },
    signer,
  )
const envelopeOf = (type: string, document: object): string =>
  fromUtf8(signDsse(type, encodeDocument(document), [signer]))
export const keyImport = (change: object = {}): string =>
  envelopeOf(PAYLOAD_TYPES.artifactKeyImport, {
    version: 1,
    genesis: GENESIS,
    artifact: ARTIFACT,
    owner: OWNER,
    policy: '01'.repeat(32),
    createdAt: 5,
    model: { name: 'bear', version: 1 },
    enc: toBase64Url(new Uint8Array(1120)),
    wrapped: toBase64Url(new Uint8Array(48)),
    ...change,
  })
export const removal = (change: Partial<ModelRemoval> = {}): string =>
  signOwnerDocument(
    'removal',
    {
      format: 'sotto-model-removal/1',
      genesis: GENESIS,
      owner: OWNER,
      name: 'bear',
      version: 'all',
      createdAt: 9,
      ...change,
    },
    signer,
  )
/** What the registry answers to a removal that is in the log. */
export const LOGGED = { checkpoint: 'log\n', envelope: '{}', index: 3, proof: [] }
/** What the KMS answers to it. */
export const RECEIPT = { receipt: 'signed by the KMS' }

interface Asked {
  to: string
  body: string
  offset: string | undefined
}

/** The routes between an owner, and a KMS and a registry that answer what the test says. */
export function between(answers: Record<string, Response | (() => Response)> = {}) {
  const asked: Asked[] = []
  const removed: ModelRemoval[] = []
  const published: ModelStatement[] = []
  const routes = createSealedModels({
    kmsUrls: ['http://kms-1', 'http://kms-2'],
    registryUrl: 'http://models.test',
    genesis: GENESIS,
    onRemoved: (one) => removed.push(one),
    onPublished: (one) => published.push(one),
    fetch: async (input, init) => {
      const { hostname, pathname, search } = new URL(input as string)
      const to = `${init?.method} ${hostname}${pathname}${search}`
      const { body, headers } = init!
      asked.push({
        to,
        body: body instanceof Uint8Array ? fromUtf8(body) : ((body ?? '') as string),
        offset: (headers as Record<string, string>)['upload-offset'],
      })
      const answer = answers[to] ?? answers[hostname] ?? new Response('{}')
      return (typeof answer === 'function' ? answer() : answer).clone()
    },
  })
  async function call(method: string, path: string, body?: string | Uint8Array | object, headers = {}) {
    const isRaw = body instanceof Uint8Array || body instanceof ReadableStream || typeof body === 'string'
    const bytes = isRaw ? body : JSON.stringify(body)
    const request = new Request(`http://inference.sotto/v1/sealed-models${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: bytes as BodyInit, duplex: 'half' }),
    })
    const response = await routes(request, new URL(request.url).pathname.slice('/v1/sealed-models'.length))
    const text = await response.text()
    const { error } = JSON.parse(text) as { error?: { code: string; action: string; message: string } }
    return { status: response.status, text, error, headers: response.headers }
  }
  return { call, asked, removed, published }
}

export const refusalBy = (code: string, status: number, action = 'fix-input', headers = {}): Response =>
  Response.json({ error: { code, message: 'because', action } }, { status, headers })
