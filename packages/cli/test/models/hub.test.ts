import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHub } from '../../src/models/hub.ts'
import { pullModel } from '../../src/models/pull.ts'
import { fixtureRepository, type HubServer, startHub } from './hub-server.ts'

const never = new AbortController().signal
const sha256 = 'a'.repeat(64)
const entry = { type: 'file', path: 'model.onnx', size: 5, oid: 'b'.repeat(40), lfs: { oid: sha256 } }
let server: HubServer
beforeEach(async () => {
  server = await startHub({ 'tiny/t5': fixtureRepository('t5') })
})
afterEach(() => server.close())

const hub = (token?: string): ReturnType<typeof openHub> =>
  openHub({ url: server.url, repository: 'tiny/t5', revision: 'main', fetch, ...(token && { token }) })

describe('a listing', () => {
  it('names the SHA-256 of large files and the git id of others', async () => {
    server.knobs.tree = JSON.stringify([entry, { ...entry, path: 'a.json', lfs: undefined }])
    expect(await hub().list(never)).toEqual([
      { path: 'model.onnx', size: 5, digest: { kind: 'sha256', hex: sha256 } },
      { path: 'a.json', size: 5, digest: { kind: 'git', hex: 'b'.repeat(40) } },
    ])
  })

  it.each([
    ['that is not JSON', '<html>'],
    ['that is an object', '{}'],
    ['with a file without path', JSON.stringify([{ ...entry, path: undefined }])],
    ['with a negative size', JSON.stringify([{ ...entry, size: -1 }])],
    ['with a size beyond counting', JSON.stringify([{ ...entry, size: 1e300 }])],
    ['with a digest that is too short', JSON.stringify([{ ...entry, lfs: { oid: 'aa' } }])],
    ['with a digest that is no text', JSON.stringify([{ ...entry, lfs: { oid: 1 } }])],
    ['without any digest', JSON.stringify([{ ...entry, lfs: undefined, oid: undefined }])],
  ])('%s is refused', async (_, tree) => {
    server.knobs.tree = tree
    await expect(hub().list(never)).rejects.toMatchObject({ code: 'CLI_HUB' })
  })

  it('of endless pages, or of one endless page, ends', async () => {
    server.knobs.tree = ' '.repeat(8 * 1024 * 1024 + 1)
    await expect(hub().list(never)).rejects.toMatchObject({ code: 'CLI_MODEL' })
    const endless: typeof fetch = async () =>
      new Response('[]', { headers: { link: '</api/models/tiny/t5/tree/main?cursor=1>; rel="next"' } })
    const other = openHub({ url: server.url, repository: 'tiny/t5', revision: 'main', fetch: endless })
    await expect(other.list(never)).rejects.toMatchObject({ code: 'CLI_MODEL' })
  })

  it('never leads the token to another host', async () => {
    const asked: string[] = []
    const leading: typeof fetch = async (input) => {
      asked.push(String(input))
      return new Response('[]', { headers: { link: '<https://evil.example/api>; rel="next"' } })
    }
    const url = 'https://hub.example/mirror'
    await openHub({ url, repository: 'a/b', revision: 'main', fetch: leading, token: 'hf_x' }).list(never)
    expect(asked).toEqual(['https://hub.example/mirror/api/models/a/b/tree/main?recursive=true'])
  })
})

describe('a hub that fails again and again', () => {
  const pull = (): Promise<unknown> =>
    pullModel({
      hub: hub(),
      id: 'tiny/t5',
      root,
      signal: never,
      createProgress: () => ({ advance: () => {}, end: () => {} }),
      timing: { stallMs: 60, pauseMs: 1 },
    })
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sotto-hub-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('by falling silent is given up, with what is here kept', async () => {
    server.knobs.hang = { path: 'onnx/encoder_model.onnx', after: 1000 }
    await expect(pull()).rejects.toMatchObject({
      code: 'CLI_HUB',
      message: 'the connection was cut in onnx/encoder_model.onnx',
      found: '5000 bytes',
    })
    delete server.knobs.hang
    await pull()
    expect(server.served.at(-3)).toBe('onnx/encoder_model.onnx bytes=5000-')
  })

  it('by cutting at the very start is given up', async () => {
    server.knobs.cut = { path: 'onnx/encoder_model.onnx', after: 0, times: 99 }
    await expect(pull()).rejects.toMatchObject({ code: 'CLI_HUB' })
  })
})
