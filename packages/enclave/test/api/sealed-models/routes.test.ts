import { utf8 } from '@sotto/protocol/bytes'
import { MAX_UPLOAD_PART_BYTES } from '@sotto/protocol/sealed-models'
import { expect, test } from 'vitest'
import {
  ARTIFACT,
  between,
  keyImport,
  LOGGED,
  RECEIPT,
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

test('KMS and registry get the same removal: the keys go first, then the model, then what runs here', async () => {
  const { call, asked, removed } = between({
    'kms-1': Response.json(RECEIPT),
    'models.test': Response.json(LOGGED),
  })
  const { status, text } = await call('DELETE', `/${TAG}/bear`, { removal: removal() })
  expect([status, JSON.parse(text)]).toEqual([200, { ...RECEIPT, logged: LOGGED }])
  expect(asked).toEqual([
    { to: 'POST kms-1/v1/model-removals', body: removal(), offset: undefined },
    { to: 'POST models.test/v1/removals', body: removal(), offset: undefined },
  ])
  expect(removed).toMatchObject([{ name: 'bear', version: 'all' }])
})

test.each(['REGISTRY_MODEL_UNKNOWN', 'REGISTRY_MODEL_REMOVED'])(
  'a registry that says %s keeps no key alive and hides no receipt',
  async (code) => {
    const { call, removed } = between({
      'kms-1': Response.json(RECEIPT),
      'models.test': refusalBy(code, 404),
    })
    const { status, text } = await call('DELETE', `/${TAG}/bear`, { removal: removal() })
    expect([status, JSON.parse(text)]).toEqual([200, RECEIPT])
    expect(removed).toHaveLength(1)
  },
)

test.each([
  ['the KMS did not take', { 'kms-1': refusalBy('KMS_NOT_READY', 503, 'retry') }, 'KMS_STANDBY'],
  ['a KMS answered without a receipt', { 'kms-1': Response.json({}) }, 'API_UPSTREAM'],
  [
    'the registry did not take',
    { 'models.test': refusalBy('LOG_UNREACHABLE', 503, 'retry') },
    'LOG_UNREACHABLE',
  ],
  ['a registry answered to with no proof', { 'models.test': Response.json({}) }, 'API_UPSTREAM'],
])('a removal that %s ends nothing here', async (_, answers, code) => {
  const { call, removed } = between({
    'kms-1': Response.json(RECEIPT),
    'kms-2': refusalBy('KMS_STANDBY', 503, 'retry'),
    'models.test': Response.json(LOGGED),
    ...answers,
  })
  const { error } = await call('DELETE', `/${TAG}/bear`, { removal: removal() })
  expect([error?.action, removed]).toEqual(['retry', []])
  expect(error?.code).toBe(code)
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
    'a key of another model',
    'PUT',
    `/${TAG}/bear`,
    { statement: statement(), import: keyImport({ model: { name: 'wolf', version: 1 } }) },
    'API_INVALID',
  ],
  [
    'a key of another version',
    'PUT',
    `/${TAG}/bear`,
    { statement: statement(), import: keyImport({ model: { name: 'bear', version: 2 } }) },
    'API_INVALID',
  ],
  ['a removal that is none', 'DELETE', `/${TAG}/bear`, { removal: statement() }, 'MODEL_DOCUMENT'],
  [
    'a removal of another model',
    'DELETE',
    `/${TAG}/bear`,
    { removal: removal({ name: 'wolf' }) },
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
  expect(asked.map(({ to }) => to.split(' ')[0])).toEqual(['GET'])
})

test('a part of an upload that nobody opened takes no place: others are not waited out by strangers', async () => {
  const unknown = `GET models.test/v1/uploads/${'34'.repeat(16)}`
  const { call, asked } = between({ [unknown]: refusalBy('REGISTRY_UPLOAD_UNKNOWN', 404) })
  const never = (): Uint8Array => new ReadableStream({ pull: () => new Promise(() => undefined) }) as never
  const strangers = Array.from({ length: 40 }, () => call('PATCH', `/uploads/${'34'.repeat(16)}`, never()))
  const codes = (await Promise.all(strangers)).map(({ error }) => error?.code)
  expect(new Set(codes)).toEqual(new Set(['REGISTRY_UPLOAD_UNKNOWN']))
  expect((await call('PATCH', `/uploads/${UPLOAD}`, utf8('bytes'))).status).toBe(200)
  expect(asked.filter(({ to }) => to.startsWith('PATCH'))).toHaveLength(1)
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
