import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { MAX_UPLOAD_PART_BYTES } from '@sotto/protocol/sealed-models'
import { expect, test } from 'vitest'
import {
  ARTIFACT,
  between,
  keyImport,
  keyRemoval,
  refusalBy,
  removal,
  statement,
  TAG,
  UPLOAD,
} from './between.ts'

test('a model is published with its key: the KMS has the key before the registry shows the model', async () => {
  const { call, asked, published } = between({ 'models.test': new Response('{"as":"it is"}') })
  const { status, text } = await call('PUT', `/${TAG}/bear`, { statement: statement(), import: keyImport() })
  expect([status, text]).toEqual([200, '{"as":"it is"}'])
  expect(asked).toEqual([
    { to: `POST kms-1/v1/artifacts/${ARTIFACT}/key`, body: keyImport(), offset: undefined },
    { to: 'PUT models.test/v1/models', body: statement(), offset: undefined },
  ])
  expect(published).toMatchObject([{ name: 'bear', version: 1 }])
})

test('what the KMS refuses is not published, and the owner hears why', async () => {
  const { call, asked } = between({ 'kms-1': refusalBy('KMS_OWNER_UNKNOWN', 403) })
  const answer = await call('PUT', `/${TAG}/bear`, { statement: statement(), import: keyImport() })
  expect(answer.status).toBe(403)
  expect(answer.error).toMatchObject({ code: 'KMS_OWNER_UNKNOWN', action: 'fix-input', message: 'because' })
  expect(asked).toHaveLength(1)
})

test.each([
  ['a standby', () => refusalBy('KMS_STANDBY', 503, 'retry')],
  ['a proxy in front of nothing', () => new Response('<html>', { status: 502 })],
])('%s is no KMS: the next replica is asked', async (_, answer) => {
  const { call, asked } = between({ 'kms-1': answer })
  const { status } = await call('PUT', `/${TAG}/bear`, { statement: statement(), import: keyImport() })
  expect(status).toBe(200)
  expect(asked.map(({ to }) => to.split(/[ /]/)[1])).toEqual(['kms-1', 'kms-2', 'models.test'])
})

test('a removal destroys the keys first, then ends the model, then what runs here', async () => {
  const { call, asked, removed } = between()
  const keyRemovals = [keyRemoval(), keyRemoval({ artifact: '77'.repeat(16) })]
  await call('DELETE', `/${TAG}/bear`, { removal: removal(), keyRemovals })
  expect(asked.map(({ to }) => to)).toEqual([
    `DELETE kms-1/v1/artifacts/${ARTIFACT}/key`,
    `DELETE kms-1/v1/artifacts/${'77'.repeat(16)}/key`,
    'POST models.test/v1/removals',
  ])
  expect(removed).toMatchObject([{ name: 'bear', version: 'all' }])
})

test('a removal that the registry did not take ends nothing here', async () => {
  const { call, removed } = between({ 'models.test': refusalBy('LOG_UNREACHABLE', 503, 'retry') })
  const { error } = await call('DELETE', `/${TAG}/bear`, { removal: removal(), keyRemovals: [] })
  expect([error?.code, error?.action, removed]).toEqual(['LOG_UNREACHABLE', 'retry', []])
})

test('uploads: an intent, parts with their offsets, and where it stands', async () => {
  const patch = `PATCH models.test/v1/uploads/${UPLOAD}`
  const { call, asked } = between({
    [patch]: refusalBy('REGISTRY_OFFSET', 409, 'retry', { 'upload-offset': '42' }),
  })
  await call('POST', '/uploads', 'an intent')
  await call('GET', `/uploads/${UPLOAD}`)
  const part = await call('PATCH', `/uploads/${UPLOAD}`, utf8('bytes'), { 'upload-offset': '7' })
  expect(asked).toEqual([
    { to: 'POST models.test/v1/uploads', body: 'an intent', offset: undefined },
    { to: `GET models.test/v1/uploads/${UPLOAD}`, body: '', offset: undefined },
    { to: patch, body: 'bytes', offset: '7' },
  ])
  expect([part.status, part.error?.code, part.headers.get('upload-offset')]).toEqual([
    409,
    'REGISTRY_OFFSET',
    '42',
  ])
})

test('lists and statements are passed as they are asked for, and nothing else is', async () => {
  const { call, asked } = between()
  await call('GET', `?owner=${TAG}&name=bear&after=bear:3&admin=1`)
  await call('GET', `/${TAG}/bear`)
  await call('GET', `/${TAG}/bear:7`)
  expect(asked.map(({ to }) => to)).toEqual([
    `GET models.test/v1/models?owner=${TAG}&name=bear&after=bear%3A3`,
    `GET models.test/v1/models/${TAG}/bear`,
    `GET models.test/v1/models/${TAG}/bear:7`,
  ])
})

const other = TAG.replace(/^./, (letter) => (letter === 'a' ? 'b' : 'a'))
test.each<[string, string, string, object | string | undefined, string]>([
  [
    'another owner than the path',
    'PUT',
    `/${other}/bear`,
    { statement: statement(), import: keyImport() },
    'API_INVALID',
  ],
  [
    'another name than the path',
    'PUT',
    `/${TAG}/wolf`,
    { statement: statement(), import: keyImport() },
    'API_INVALID',
  ],
  [
    'a key of another artifact',
    'PUT',
    `/${TAG}/bear`,
    { statement: statement(), import: keyImport({ artifact: '77'.repeat(16) }) },
    'API_INVALID',
  ],
  [
    'a key under another policy',
    'PUT',
    `/${TAG}/bear`,
    { statement: statement(), import: keyImport({ policy: '02'.repeat(32) }) },
    'API_INVALID',
  ],
  [
    'a statement for another deployment',
    'PUT',
    `/${TAG}/bear`,
    { statement: statement({ genesis: '00'.repeat(32) }), import: keyImport() },
    'MODEL_DEPLOYMENT',
  ],
  [
    'a statement that somebody changed',
    'PUT',
    `/${TAG}/bear`,
    {
      statement: statement()
        .replace('"sig":"A', '"sig":"B')
        .replace(/"sig":"([^AB])/, '"sig":"A'),
      import: keyImport(),
    },
    'MODEL_SIGNATURE',
  ],
  ['no statement', 'PUT', `/${TAG}/bear`, { import: keyImport() }, 'API_INVALID'],
  ['no JSON', 'PUT', `/${TAG}/bear`, '{', 'API_INVALID'],
  [
    'a version in the path',
    'PUT',
    `/${TAG}/bear:1`,
    { statement: statement(), import: keyImport() },
    'API_ROUTE_NOT_FOUND',
  ],
  [
    'keys of another owner',
    'DELETE',
    `/${TAG}/bear`,
    { removal: removal(), keyRemovals: [keyRemoval({ owner: toBase64Url(new Uint8Array(32)) })] },
    'API_INVALID',
  ],
  [
    'an import as a removal of a key',
    'DELETE',
    `/${TAG}/bear`,
    { removal: removal(), keyRemovals: [keyImport()] },
    'API_INVALID',
  ],
  ['an upload that is none', 'GET', '/uploads/..%2Fmodels', undefined, 'API_ROUTE_NOT_FOUND'],
  ['a query that is none', 'GET', '?owner=%0aHost:', undefined, 'API_INVALID'],
  ['another method', 'POST', `/${TAG}/bear`, {}, 'API_ROUTE_NOT_FOUND'],
])('%s goes nowhere', async (_, method, path, body, code) => {
  const { call, asked } = between()
  const { error, status } = await call(method, path, body)
  expect(error?.code).toBe(code)
  expect(status).toBeGreaterThanOrEqual(400)
  expect(asked).toEqual([])
})

test('bodies are bounded', async () => {
  const { call, asked } = between()
  const part = await call('PATCH', `/uploads/${UPLOAD}`, new Uint8Array(MAX_UPLOAD_PART_BYTES + 1))
  expect(part.error?.code).toBe('HTTP_BODY_TOO_LARGE')
  expect((await call('POST', '/uploads', 'x'.repeat(8193))).error?.code).toBe('HTTP_BODY_TOO_LARGE')
  expect(asked).toEqual([])
})

test.each([
  [
    'is away',
    () => {
      throw new TypeError('fetch failed')
    },
  ],
  ['answers more than an answer', () => new Response('x'.repeat(100_000))],
  ['refuses without a code', () => new Response('no', { status: 404 })],
  ['refuses with words instead of a code', () => refusalBy('go <away>', 400)],
])('a registry that %s is one that does not answer', async (_, answer) => {
  const { call } = between({ 'models.test': answer as () => Response })
  const { status, error } = await call('GET', `/${TAG}/bear`)
  expect([status, error?.code, error?.action]).toEqual([503, 'API_UPSTREAM', 'retry'])
})
