import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  content,
  createOwner,
  openTestRegistry,
  refusalOf,
  sha256,
  stateOf,
  type Owner,
  type TestRegistry,
} from './parties.ts'

let registry: TestRegistry
let owner: Owner
const FILE = content(10_000)
const blobOf = (bytes: Uint8Array): string =>
  join(registry.folder, 'blobs', sha256(bytes).slice(0, 2), sha256(bytes))

beforeEach(() => {
  registry = openTestRegistry()
  owner = createOwner(registry.clock)
  registry.admit([owner])
})

const begin = async (bytes: Uint8Array = FILE): Promise<string> =>
  (await stateOf(await registry.call('POST', '/v1/uploads', owner.intent(bytes)))).upload
const patch = (id: string, offset: number | string, body: BodyInit): Promise<Response> =>
  registry.call('PATCH', `/v1/uploads/${id}`, body, { 'upload-offset': String(offset) })
/** A body that brings this much and then breaks off. */
const cut = (bytes: Uint8Array): ReadableStream =>
  new ReadableStream({
    start: (controller) => controller.enqueue(bytes),
    pull: (controller) => controller.error(new Error('gone')),
  })

describe('an upload', () => {
  it('is whole however it was cut into parts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1000, max: 12_000 }),
        fc.integer({ min: 1, max: 250 }),
        async (part, seed) => {
          const bytes = content(10_000, seed)
          expect(await registry.upload(owner, bytes, part)).toMatchObject({ complete: true, offset: 10_000 })
          expect(readFileSync(blobOf(bytes)).equals(bytes)).toBe(true)
          registry.clock.now += 3600
          await registry.tick()
          expect(existsSync(blobOf(bytes))).toBe(false)
        },
      ),
      { numRuns: 8 },
    )
  })

  it('keeps what arrived before its sender went away', async () => {
    const id = await begin()
    expect(await refusalOf(patch(id, 0, cut(FILE.slice(0, 4000))))).toBe('408 HTTP_BODY_CUT')
    expect(await stateOf(await registry.call('GET', `/v1/uploads/${id}`))).toMatchObject({ offset: 4000 })
    const head = await registry.call('HEAD', `/v1/uploads/${id}`)
    expect(head.headers.get('upload-offset')).toBe('4000')
    expect(await stateOf(await patch(id, 4000, FILE.slice(4000)))).toMatchObject({ complete: true })
    expect(readFileSync(blobOf(FILE)).equals(FILE)).toBe(true)
  })

  it('is the same one when its owner begins again, and goes on after the process was killed', async () => {
    const id = await begin()
    await patch(id, 0, FILE.slice(0, 3000))
    registry = registry.restart()
    expect(await begin()).toBe(id)
    const state = await stateOf(await patch(id, 3000, FILE.slice(3000)))
    expect(state).toMatchObject({ complete: true, offset: 10_000 })
    expect(readFileSync(blobOf(FILE)).equals(FILE)).toBe(true)
  })

  it('goes on when the process was killed between the file and the note of it', async () => {
    const id = await begin()
    await patch(id, 0, FILE.slice(0, 9999))
    registry.close()
    // Written past what the database knows, and: placed, and the database does not know.
    mkdirSync(join(registry.folder, 'blobs', sha256(FILE).slice(0, 2)), { recursive: true })
    renameSync(join(registry.folder, 'uploads', `${id}.part`), blobOf(FILE))
    registry = registry.reopen()
    expect(existsSync(blobOf(FILE))).toBe(false)
    expect(await stateOf(await patch(id, 9999, FILE.slice(9999)))).toMatchObject({ complete: true })
    expect(readFileSync(blobOf(FILE)).equals(FILE)).toBe(true)
  })

  it('says where it is to whoever is elsewhere, and two who push at once make one whole file', async () => {
    const id = await begin()
    await patch(id, 0, FILE.slice(0, 100))
    const elsewhere = await patch(id, 0, FILE)
    expect([elsewhere.status, elsewhere.headers.get('upload-offset')]).toEqual([409, '100'])
    expect(await elsewhere.json()).toMatchObject({ error: { code: 'REGISTRY_OFFSET', action: 'retry' } })
    const push = async (): Promise<void> => {
      for (let at = 100; at < FILE.length;) {
        const response = await patch(id, at, FILE.slice(at, at + 777))
        at = Number(response.headers.get('upload-offset'))
      }
    }
    await Promise.all([push(), push(), push()])
    expect(readFileSync(blobOf(FILE)).equals(FILE)).toBe(true)
  })

  it('of other bytes than announced is thrown away', async () => {
    const id = await begin()
    const other = FILE.slice()
    other[5000]! ^= 1
    expect(await refusalOf(patch(id, 0, other))).toBe('422 REGISTRY_DIGEST')
    expect(await refusalOf(registry.call('GET', `/v1/uploads/${id}`))).toBe('404 REGISTRY_UPLOAD_UNKNOWN')
    expect(readdirSync(join(registry.folder, 'uploads'))).toEqual([])
    expect(readdirSync(join(registry.folder, 'blobs'))).toEqual([])
  })

  it('takes no more than was announced, nor more than 32 MiB at once', async () => {
    const id = await begin()
    expect(await refusalOf(patch(id, 0, content(10_001)))).toBe('413 HTTP_BODY_TOO_LARGE')
    const large = registry.call('PATCH', `/v1/uploads/${id}`, FILE, {
      'upload-offset': '0',
      'content-length': String(33 * 1024 * 1024),
    })
    expect(await refusalOf(large)).toBe('413 HTTP_BODY_TOO_LARGE')
    for (const offset of ['', '-1', '1e3', '9'.repeat(16)])
      expect(await refusalOf(patch(id, offset, FILE))).toMatch(/^415/)
    expect(await stateOf(await registry.call('GET', `/v1/uploads/${id}`))).toMatchObject({ offset: 0 })
  })

  it('that rests too long is thrown away, and its place is free again', async () => {
    for (const seed of [1, 2, 3]) await begin(content(500, seed))
    expect(await refusalOf(registry.call('POST', '/v1/uploads', owner.intent(content(500, 4))))).toBe(
      '403 REGISTRY_QUOTA',
    )
    registry.clock.now += 3600
    expect(await registry.tick()).toEqual({ models: 0, uploads: 3, blobs: 0 })
    expect(readdirSync(join(registry.folder, 'uploads'))).toEqual([])
    await begin(content(500, 4))
  })

  it('of what is here already is complete at once', async () => {
    await registry.upload(owner, FILE)
    const second = createOwner(registry.clock)
    registry.admit([owner, second])
    const state = await stateOf(await registry.call('POST', '/v1/uploads', second.intent(FILE)))
    expect(state).toMatchObject({ complete: true, offset: FILE.length })
    const wrongSize = second.intent(FILE, { bytes: FILE.length + 1, createdAt: registry.clock.now - 1 })
    expect(await refusalOf(registry.call('POST', '/v1/uploads', wrongSize))).toBe('422 REGISTRY_DIGEST')
  })
})

describe('who may upload', () => {
  const post = (body: string): Promise<string> => refusalOf(registry.call('POST', '/v1/uploads', body))

  it('is an owner of the list, as it is now', async () => {
    const stranger = createOwner(registry.clock)
    expect(await post(stranger.intent(FILE))).toBe('403 REGISTRY_OWNER')
    registry.admit([stranger])
    await registry.upload(stranger, FILE)
    expect(await post(owner.intent(FILE))).toBe('403 REGISTRY_OWNER')
  })

  it('has room for it', async () => {
    registry.admit([{ ...owner, bytes: 9_999 }])
    expect(await post(owner.intent(FILE))).toBe('403 REGISTRY_QUOTA')
    registry.admit([{ ...owner, bytes: 10_000 }])
    await registry.upload(owner, FILE)
    expect(await post(owner.intent(content(200, 2)))).toBe('403 REGISTRY_QUOTA')
  })

  it('announced it for this deployment, today, and signed it', async () => {
    const { now } = registry.clock
    expect(await post(owner.intent(FILE, { genesis: '00'.repeat(32) }))).toBe('400 MODEL_DEPLOYMENT')
    expect(await post(owner.intent(FILE, { createdAt: now + 11 }))).toBe('400 REGISTRY_TIME')
    expect(await post(owner.intent(FILE, { createdAt: now - 86_401 }))).toBe('400 REGISTRY_TIME')
    expect(await post(owner.intent(FILE, { owner: createOwner(registry.clock).key }))).toBe(
      '403 MODEL_SIGNATURE',
    )
    expect(await post(owner.statement(FILE))).toBe('400 MODEL_DOCUMENT')
    expect(await post('{}')).toBe('400 MODEL_DOCUMENT')
    expect(await post('x'.repeat(8193))).toBe('413 HTTP_BODY_TOO_LARGE')
  })

  it('is nobody while the list cannot be read', async () => {
    registry.admit([{ key: 'no key' }])
    expect(await post(owner.intent(FILE))).toBe('403 REGISTRY_OWNER')
    registry.admit([owner, owner])
    expect(await post(owner.intent(FILE))).toBe('403 REGISTRY_OWNER')
  })
})
