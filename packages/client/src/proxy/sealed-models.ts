import { canonicalJson, type JsonValue, parseStrictJson } from '@sotto/protocol/jcs'
import { type KeyReleasePolicy, parseKeyReleasePolicy } from '@sotto/protocol/keyrelease'
import { MODEL_TASKS, type ModelTask } from '@sotto/protocol/model-manifest'
import { MAX_MODEL_VERSION, parseModelName } from '@sotto/protocol/sealed-models'
import { clientError } from '../errors.ts'
import type { ModelOwner, PublishedModel, SottoModels } from '../models/index.ts'

/** Where the proxy answers for an owner of models, instead of passing the request on. */
export const SEALED_MODELS_PATH = '/v1/sealed-models'

/** A character that is escaped again is escaped for whoever reads the path next. */
const MAX_ESCAPES = 3

/** Whether a path leads there under any of its spellings: escaped, or with a prefix that other routes have too. */
export function isSealedModelsPath(pathname: string): boolean {
  let path = pathname
  for (let i = 0; i < MAX_ESCAPES; i++)
    path = path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  return /(?:^|[/\\])sealed-models(?:[/\\]|$)/i.test(path)
}

/**
 * Largest model in one request. A form is held in memory; a larger model goes from its file (`sotto models push`).
 */
const MAX_FORM_BYTES: number = 512 * 1024 * 1024
const MAX_POLICY_CHARACTERS = 65_536

/** What the proxy needs to act for an owner. */
export interface OwnersDesk {
  models: SottoModels
  /** Absent: models of owners can be read, none published. */
  owner?: ModelOwner | undefined
}

/**
 * `POST` a form with the files of a model, which is sealed on this machine; `GET` lists or shows, `DELETE` removes.
 * Undefined for a method that there is not.
 * @throws what {@link SottoModels} throws; `PROXY_CONFIG`, `REQUEST_INVALID`, `REQUEST_TOO_LARGE`
 */
export async function answerSealedModels(desk: OwnersDesk, request: Request): Promise<Response | undefined> {
  const { pathname, searchParams } = new URL(request.url)
  const name = decodeURIComponent(pathname.slice(SEALED_MODELS_PATH.length).replace(/^\//, ''))
  const { signal } = request
  if (name === '' && request.method === 'POST') return json(201, shown(await publish(desk, request)))
  if (name === '' && request.method === 'GET') {
    const tag = searchParams.get('owner') ?? ownerOf(desk).tag
    return json(200, { object: 'list', data: (await desk.models.list(tag, signal)).map(shown) })
  }
  if (name !== '' && request.method === 'GET')
    return json(200, shown(await desk.models.show(fullName(desk, name), signal)))
  if (name !== '' && request.method === 'DELETE') {
    const owner = ownerOf(desk)
    const { tag, name: own, version } = parseModelName(fullName(desk, name))
    if (tag !== owner.tag) throw clientError('MODEL_OWNER', 'only its owner removes a model')
    const removed = await desk.models.remove(own, { owner, version: version ?? 'all', signal })
    return json(200, { id: name, object: 'sealed-model', deleted: true, log_index: removed.index })
  }
  return undefined
}

async function publish(desk: OwnersDesk, request: Request): Promise<PublishedModel> {
  const owner = ownerOf(desk)
  const declared = Number(request.headers.get('content-length') ?? 'NaN')
  if (!(declared <= MAX_FORM_BYTES))
    throw clientError(
      'REQUEST_TOO_LARGE',
      'a form with a model says how large it is, and is not larger than this',
      {
        expected: `at most ${MAX_FORM_BYTES} bytes`,
        hint: 'sotto models push FILE takes models of any size',
      },
    )
  const form = await request.formData().catch((cause: unknown) => {
    throw clientError('REQUEST_INVALID', 'a model is sent as multipart/form-data', { cause })
  })
  const files: Record<string, Blob> = {}
  const fields = new Map<string, string>()
  for (const [field, value] of form) {
    if (typeof value !== 'string') files[value.name] = value
    else if (FIELDS.has(field) && !fields.has(field)) fields.set(field, value)
    else
      throw clientError(
        'REQUEST_INVALID',
        `the form has a field that is not known, or twice: ${field.slice(0, 64)}`,
      )
  }
  const name = fields.get('name')
  if (name === undefined) throw clientError('REQUEST_INVALID', 'the form has no field name')
  const version = numberIn(fields, 'version', MAX_MODEL_VERSION)
  const expiresAt = numberIn(fields, 'expires_at', Number.MAX_SAFE_INTEGER)
  const policy = policyIn(fields)
  const task = taskIn(fields)
  return desk.models.upload(files, {
    owner,
    name,
    signal: request.signal,
    ...(task && { about: { task } }),
    ...(version !== undefined && { version }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(policy && { policy }),
  })
}

const FIELDS: ReadonlySet<string> = new Set(['name', 'version', 'expires_at', 'policy', 'task'])

function numberIn(fields: ReadonlyMap<string, string>, name: string, max: number): number | undefined {
  const text = fields.get(name)
  if (text === undefined) return undefined
  const value = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= max)) throw clientError('REQUEST_INVALID', `${name} is no whole number from 1 to ${max}`)
  return value
}

function taskIn(fields: ReadonlyMap<string, string>): ModelTask | undefined {
  const text = fields.get('task')
  const task = MODEL_TASKS.find((one) => one === text)
  if (text !== undefined && task === undefined)
    throw clientError('REQUEST_INVALID', 'task is not one that models have', {
      expected: MODEL_TASKS.join(', '),
    })
  return task
}

function policyIn(fields: ReadonlyMap<string, string>): KeyReleasePolicy | undefined {
  const text = fields.get('policy')
  if (text === undefined) return undefined
  try {
    return parseKeyReleasePolicy(
      canonicalJson(parseStrictJson(text, { maxBytes: MAX_POLICY_CHARACTERS }) as JsonValue),
    )
  } catch (cause) {
    throw clientError('REQUEST_INVALID', `policy is not a key-release policy: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function ownerOf({ owner }: OwnersDesk): ModelOwner {
  if (owner === undefined)
    throw clientError('PROXY_CONFIG', 'this proxy acts for no owner of models', {
      hint: 'start it with sotto proxy --owner KEYFILE',
    })
  return owner
}

/** A name without an owner is one of this proxy's owner. */
function fullName(desk: OwnersDesk, name: string): string {
  return name.includes('/') ? name : `${ownerOf(desk).tag}/${name}`
}

function shown({ id, statement, index }: PublishedModel): object {
  const { name, version, task, bytes, model, owner, createdAt, expiresAt } = statement
  return {
    id,
    object: 'sealed-model',
    owner,
    name,
    version,
    task,
    bytes,
    digest: model,
    created_at: createdAt,
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    log_index: index,
  }
}

function json(status: number, value: object): Response {
  return Response.json(value, { status, headers: { 'cache-control': 'no-store' } })
}
