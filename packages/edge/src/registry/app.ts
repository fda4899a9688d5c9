import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  MAX_AHEAD_SECONDS,
  MAX_UPLOAD_PART_BYTES,
  MODEL_NAME,
  OWNER_TAG,
  type OwnerDocuments,
  parseModelName,
  verifyOwnerDocument,
} from '@sotto/protocol/sealed-models'
import { type App, mapErrors, serveError } from '@sotto/serve/errors'
import { readBody } from '@sotto/serve/limits'
import { hasCode } from '@sotto/protocol/errors'
import { Hono } from 'hono'
import { EDGE_STATUSES, edgeError } from '../errors.ts'
import { jsonAnswer as json } from '../http/answers.ts'
import { offsetRefusal, partBody, partOffset } from '../http/parts.ts'
import type { Owners } from '../owners/index.ts'
import { readArtifact } from './artifact-routes.ts'
import type { BlobFiles } from './blobs.ts'
import type { Catalogue } from './catalogue.ts'
import type { RegistryDatabase } from './database.ts'
import type { Uploads } from './uploads.ts'

/** What the registry's HTTP interface is made of. */
export interface RegistryAppOptions {
  genesis: string
  owners: Owners
  uploads: Uploads
  catalogue: Catalogue
  database: RegistryDatabase
  files: BlobFiles
  /** Unix seconds. */
  now: () => number
  /** Called when something was removed: there may be files to throw away. */
  onRemoved?: () => void
  onError?: (code: string) => void
}

/** Owners' documents have less than 4 KiB. */
const MAX_DOCUMENT_BYTES = 8192
/** An intent is acted on for a day, so that a copy of it opens no uploads for ever. */
const MAX_INTENT_AGE_SECONDS = 86_400

/** HTTP statuses of the registry: its own codes, and those of owners' documents. */
export const REGISTRY_STATUSES: Readonly<Record<string, number>> = {
  ...EDGE_STATUSES,
  MODEL_NAME: 400,
  MODEL_DOCUMENT: 400,
  MODEL_SIGNATURE: 403,
  MODEL_DEPLOYMENT: 400,
}

/** The registry: anybody reads, owners write by what they signed. */
export function createRegistryApp(options: RegistryAppOptions): App {
  const { owners, uploads, catalogue, now } = options
  const app = new Hono()

  async function read<Kind extends keyof OwnerDocuments>(
    kind: Kind,
    request: Request,
  ): Promise<{ envelope: string; document: OwnerDocuments[Kind] }> {
    const bytes = await readBody(request, MAX_DOCUMENT_BYTES)
    const document = verifyOwnerDocument(kind, bytes, options.genesis)
    if (document.createdAt > now() + MAX_AHEAD_SECONDS)
      throw edgeError('REGISTRY_TIME', `the ${kind} was made in the future; compare the clocks`)
    return { envelope: fromUtf8(bytes), document }
  }

  app.post('/v1/uploads', async (c) => {
    const { document } = await read('upload', c.req.raw)
    const quota = owners.require(document.owner)
    if (document.createdAt < now() - MAX_INTENT_AGE_SECONDS)
      throw edgeError('REGISTRY_TIME', 'the upload was announced too long ago; announce it again')
    return json(await uploads.open(document, quota))
  })
  app.on(['GET', 'HEAD'], '/v1/uploads/:id', (c) => {
    const state = uploads.read(c.req.param('id'))
    const headers = { 'upload-offset': String(state.offset) }
    return c.req.method === 'HEAD' ? new Response(null, { headers }) : json(state, headers)
  })
  app.patch('/v1/uploads/:id', async (c) => {
    const { raw } = c.req
    const id = c.req.param('id')
    const offset = partOffset(raw, MAX_UPLOAD_PART_BYTES)
    try {
      const state = await uploads.append(id, offset, partBody(raw))
      return json(state, { 'upload-offset': String(state.offset) })
    } catch (error) {
      if (!hasCode(error, 'REGISTRY_OFFSET')) throw error
      return offsetRefusal(error, uploads.read(id).offset)
    }
  })
  app.put('/v1/models', async (c) => {
    const { document, envelope } = await read('statement', c.req.raw)
    const quota = owners.require(document.owner)
    return json(await catalogue.publish(document, envelope, quota))
  })
  app.post('/v1/removals', async (c) => {
    const { document, envelope } = await read('removal', c.req.raw)
    // Of anybody who makes a key, nothing is kept.
    if (!catalogue.knows(document.owner))
      throw edgeError('REGISTRY_MODEL_UNKNOWN', 'the registry has no model of this owner')
    const logged = await catalogue.remove(document, envelope).finally(options.onRemoved)
    return json(logged)
  })
  app.get('/v1/models', (c) => {
    const { owner = '', name, after } = c.req.query()
    if (!OWNER_TAG.test(owner) || (name !== undefined && !MODEL_NAME.test(name)))
      throw edgeError('REGISTRY_MODEL_UNKNOWN', 'owner and name are those of a model')
    return json(
      catalogue.list({
        tag: owner,
        ...(name !== undefined && { name }),
        ...(after !== undefined && { after }),
      }),
    )
  })
  app.get('/v1/models/:tag/:name', (c) =>
    json(catalogue.find(parseModelName(`${c.req.param('tag')}/${c.req.param('name')}`))),
  )
  app.on(['GET', 'HEAD'], '/artifacts/:digest', (c) =>
    readArtifact(options.database, options.files, c.req.param('digest'), c.req.raw, now()),
  )
  app.notFound(() => {
    throw serveError('HTTP_NOT_FOUND', 'the registry has no such route')
  })
  app.onError((error) => {
    throw error
  })
  return mapErrors((request) => app.fetch(request), {
    statuses: REGISTRY_STATUSES,
    onError: (code) => options.onError?.(code),
  })
}
