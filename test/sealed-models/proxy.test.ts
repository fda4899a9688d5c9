import { beforeEach, expect, it } from 'vitest'
import type { ModelOwner } from '@sotto/client'
import { createProxy } from '@sotto/client/proxy'
import { deploy, type Deployment, newOwner } from './deployment.ts'

let deployment: Deployment
let owner: ModelOwner
let proxy: (request: Request) => Promise<Response>
let reader: typeof proxy
const HOST = '127.0.0.1:8787'
const SECRET = 'a-secret-of-the-owner-at-this-proxy'

beforeEach(async () => {
  deployment = await deploy()
  owner = newOwner()
  deployment.admit([owner])
  const sotto = await deployment.connect()
  proxy = createProxy({ sotto, owner: { owner, secret: SECRET }, hosts: [HOST] })
  reader = createProxy({ sotto, hosts: [HOST] })
})

const call = (method: string, path: string, init: RequestInit = {}, by = proxy): Promise<Response> =>
  by(
    new Request(`http://${HOST}/v1/sealed-models${path}`, {
      method,
      ...init,
      headers: { authorization: `Bearer ${SECRET}`, ...(init.headers as Record<string, string>) },
    }),
  )

/** A form as Python's requests sends it: with its length. */
async function send(entries: [string, string | File][], by = proxy): Promise<Response> {
  const form = new FormData()
  for (const [name, value] of entries) form.append(name, value as string)
  const encoded = new Request('http://proxy', { method: 'POST', body: form })
  const body = new Uint8Array(await encoded.arrayBuffer())
  const headers = {
    'content-type': encoded.headers.get('content-type')!,
    'content-length': String(body.length),
  }
  return call('POST', '', { body, headers }, by)
}

const model = (): File => new File(['weights '.repeat(1000)], 'model.gguf')

it('seals what a program sends it, and lists, shows and removes it', async () => {
  const response = await send([
    ['name', 'notes'],
    ['file', model()],
  ])
  expect(response.status).toBe(201)
  const published = (await response.json()) as { id: string }
  expect(published).toMatchObject({
    id: `${owner.tag}/notes:1`,
    object: 'sealed-model',
    task: 'text-generation',
    version: 1,
  })
  for (const { body } of deployment.service.innerCalls)
    expect(Buffer.from(body).includes('weights weights')).toBe(false)
  expect(await (await call('GET', '')).json()).toEqual({ object: 'list', data: [published] })
  expect(await (await call('GET', `?owner=${owner.tag}`, {}, reader)).json()).toEqual({
    object: 'list',
    data: [published],
  })
  for (const name of ['notes', 'notes:1', `${owner.tag}/notes`])
    expect(await (await call('GET', `/${name}`)).json()).toEqual(published)
  expect(await (await call('DELETE', '/notes')).json()).toMatchObject({ deleted: true })
  const gone = await call('GET', '/notes')
  expect(gone.status).toBe(400)
  expect(await gone.json()).toMatchObject({ error: { code: 'sotto_model_refused' } })
})

it('without an owner key only reads', async () => {
  for (const response of [
    await send(
      [
        ['name', 'x'],
        ['file', model()],
      ],
      reader,
    ),
    await call('DELETE', '/notes', {}, reader),
    await call('GET', '', {}, reader),
  ]) {
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: { message: string } }
    expect(error.message).toContain('sotto proxy --owner KEYFILE')
  }
})

it.each([
  ['no name', [['file', model()]]],
  ['no file', [['name', 'x']]],
  [
    'a name that nothing has',
    [
      ['name', '../x'],
      ['file', model()],
    ],
  ],
  [
    'a field nobody knows',
    [
      ['name', 'x'],
      ['file', model()],
      ['trusted', 'yes'],
    ],
  ],
  [
    'a field twice',
    [
      ['name', 'x'],
      ['name', 'y'],
      ['file', model()],
    ],
  ],
  [
    'a version that is no number',
    [
      ['name', 'x'],
      ['version', '1e3'],
      ['file', model()],
    ],
  ],
  [
    'a policy that is none',
    [
      ['name', 'x'],
      ['policy', '{}'],
      ['file', model()],
    ],
  ],
  [
    'a task that no model has',
    [
      ['name', 'x'],
      ['task', 'cooking'],
      ['file', model()],
    ],
  ],
] as [string, [string, string | File][]][])('takes no form with %s', async (_, entries) => {
  const response = await send(entries)
  expect(response.status).toBe(400)
  expect(deployment.keys.size).toBe(0)
})

it('takes no form that is too large or no form at all, and no other method', async () => {
  const large = { 'content-type': 'multipart/form-data; boundary=x', 'content-length': String(2 ** 40) }
  expect((await call('POST', '', { body: 'x', headers: large })).status).toBe(413)
  expect((await call('POST', '', { body: '{}', headers: { 'content-length': '2' } })).status).toBe(400)
  expect((await call('PUT', '/notes', { body: '{}' })).status).toBe(405)
  expect((await call('POST', '/uploads', { body: '{}' })).status).toBe(405)
  expect(deployment.service.innerCalls).toEqual([])
})
