import { describe, expect, it } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { modelDigestOf } from '../../../src/api/index.ts'
import { parsePath } from '../../../src/api/kserve/paths.ts'
import { engineError } from '../../../src/engines/errors.ts'
import { apiOf, DIGEST, echoModel, errorOf, get, inferJson, pairModel } from './support.ts'

const speech = { id: 'speech', task: 'transcription', digest: 'f'.repeat(64), loadedAt: 0 } as const
const api = apiOf(echoModel(), pairModel(), speech)
const post = (path: string): Request => new Request(`https://inference.sotto${path}`, { method: 'POST' })

describe('paths', () => {
  it.each([
    ['/v2', { kind: 'server' }],
    ['/v2/health/live', { kind: 'live' }],
    ['/v2/health/ready', { kind: 'ready' }],
    ['/v2/repository/index', { kind: 'index' }],
    ['/v2/models/m', { kind: 'model', id: 'm' }],
    ['/v2/models/owner/name', { kind: 'model', id: 'owner/name' }],
    ['/v2/models/owner%2Fname', { kind: 'model', id: 'owner/name' }],
    ['/v2/models/owner/name/ready', { kind: 'model-ready', id: 'owner/name' }],
    ['/v2/models/owner/name/versions/7/infer', { kind: 'infer', id: 'owner/name', version: '7' }],
    ['/v2/models/m/versions/7', { kind: 'model', id: 'm', version: '7' }],
    ['/v2/models/m/versions/7/ready', { kind: 'model-ready', id: 'm', version: '7' }],
    // An id that ends like a word of the protocol.
    ['/v2/models/owner%2Finfer', { kind: 'model', id: 'owner/infer' }],
    ['/v2/models/owner%2Fready/infer', { kind: 'infer', id: 'owner/ready' }],
    ['/v2/models/infer', { kind: 'model', id: 'infer' }],
    ['/v2/models/m/config', { kind: 'unsupported', what: 'the extension config' }],
    ['/v2/repository/models/m/load', { kind: 'unsupported', what: 'loading and unloading models' }],
    ['/v2/models', { kind: 'unknown' }],
    ['/v2/models/', { kind: 'unknown' }],
    ['/v2/models/%ff', { kind: 'unknown' }],
    [`/v2/models/${'a'.repeat(129)}`, { kind: 'unknown' }],
    ['/v2/health', { kind: 'unknown' }],
    ['/v2/health/live/now', { kind: 'unknown' }],
    ['/v2/other', { kind: 'unknown' }],
  ])('%s', (path, target) => {
    expect(parsePath(path)).toEqual(target)
  })
})

describe('what is served', () => {
  it('says what it is', async () => {
    const response = await api(get('/v2'))
    expect(await response.json()).toEqual({
      name: 'sotto',
      version: packageJson.version,
      extensions: ['binary_tensor_data', 'model_repository'],
    })
  })

  it('is live, and ready while every engine is', async () => {
    expect(await (await api(get('/v2/health/live'))).json()).toEqual({ live: true })
    expect((await api(get('/v2/health/ready'))).status).toBe(200)
    let isReady = true
    const health = {
      get isReady() {
        return isReady
      },
    }
    const moody = apiOf(echoModel([], { health }))
    expect((await moody(get('/v2/models/owner/echo/ready'))).status).toBe(200)
    isReady = false
    const response = await moody(get('/v2/models/owner/echo/ready'))
    expect([response.status, await response.json()]).toEqual([503, { name: 'owner/echo', ready: false }])
    expect((await moody(get('/v2/health/ready'))).status).toBe(503)
    const index = (await (await moody(post('/v2/repository/index'))).json()) as unknown[]
    expect(index).toMatchObject([{ name: 'owner/echo', state: 'UNAVAILABLE' }])
  })

  it('describes a model, by its id and by an alias', async () => {
    const pair = await (await api(get('/v2/models/pair'))).json()
    expect(pair).toEqual({
      name: 'pair',
      versions: ['e'.repeat(64)],
      platform: 'onnxruntime_onnx',
      inputs: [
        { name: 'a', datatype: 'FP32', shape: [2, -1] },
        { name: 'b', datatype: 'INT64', shape: [] },
      ],
      outputs: [
        { name: 'sum', datatype: 'FP32', shape: [2, -1] },
        { name: 'word', datatype: 'BYTES', shape: [1] },
      ],
    })
    expect(await (await api(get('/v2/models/other'))).json()).toMatchObject({ name: 'owner/echo' })
  })

  it('lists the models that take tensors, and no others', async () => {
    const index = (await (await api(post('/v2/repository/index'))).json()) as unknown[]
    expect(index).toEqual([
      { name: 'owner/echo', version: DIGEST, state: 'READY', reason: '' },
      { name: 'pair', version: 'e'.repeat(64), state: 'READY', reason: '' },
    ])
  })

  it('takes the digest of a model as its version, and no other', async () => {
    expect((await api(get(`/v2/models/owner/echo/versions/${DIGEST}`))).status).toBe(200)
    const { status, error } = await errorOf(await api(get('/v2/models/owner/echo/versions/1')))
    expect([status, error]).toEqual([404, `the model has another version than the path: expected ${DIGEST}`])
  })

  it('notes for the receipt which model answered', async () => {
    const body = { inputs: [{ name: 'BOOL', datatype: 'BOOL', shape: [1], data: [true] }] }
    const echo = echoModel()
    const one = {
      ...echo,
      tensors: { inputs: echo.tensors!.inputs.slice(0, 1), outputs: echo.tensors!.outputs.slice(0, 1) },
    }
    const response = await apiOf(one)(inferJson('owner/echo', body))
    expect([response.status, modelDigestOf(response)]).toEqual([200, DIGEST])
  })
})

describe('errors', () => {
  it.each([
    ['an unknown model', get('/v2/models/none'), 404, 'model_not_found'],
    ['a model for something else', get('/v2/models/speech'), 400, 'api_unsupported'],
    ['an unknown route', get('/v2/else'), 404, 'api_route_not_found'],
    ['a known extension', get('/v2/models/pair/config'), 400, 'api_unsupported'],
    ['loading a model', post('/v2/repository/models/pair/load'), 400, 'api_unsupported'],
  ])('%s', async (_, request, status, code) => {
    expect(await errorOf(await api(request))).toMatchObject({ status, code })
  })

  it.each([
    [post('/v2'), 'GET'],
    [post('/v2/health/live'), 'GET'],
    [get('/v2/models/pair/infer'), 'POST'],
    [get('/v2/repository/index'), 'POST'],
  ])('takes one method', async (request, allow) => {
    const response = await api(request)
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
    expect(await response.json()).toEqual({ error: `this route takes ${allow} only` })
  })

  it.each([
    ['ENGINE_BUSY', 429],
    ['ENGINE_TIMEOUT', 504],
    ['ENGINE_CRASHED', 503],
    ['ENGINE_INPUT', 400],
  ] as const)('an engine that says %s', async (code, status) => {
    const failing = { ...pairModel(), infer: () => Promise.reject(engineError(code, 'no')) }
    const inputs = [
      { name: 'a', datatype: 'FP32', shape: [2, 1], data: [1, 2] },
      { name: 'b', datatype: 'INT64', shape: [], data: [1] },
    ]
    const answer = await errorOf(await apiOf(failing)(inferJson('pair', { inputs })))
    expect(answer).toEqual({ status, error: 'no', code: code.toLowerCase() })
  })

  it('says nothing of what an engine threw that is not ours', async () => {
    const failing = { ...pairModel(), infer: () => Promise.reject(new Error('secret')) }
    const inputs = [
      { name: 'a', datatype: 'FP32', shape: [2, 1], data: [1, 2] },
      { name: 'b', datatype: 'INT64', shape: [], data: [1] },
    ]
    const answer = await errorOf(await apiOf(failing)(inferJson('pair', { inputs })))
    expect(answer.status).toBe(500)
    expect(answer.error).not.toContain('secret')
  })
})
