import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { openBlobFiles } from '../../src/registry/blobs.ts'
import { openRegistryDatabase } from '../../src/registry/database.ts'
import { openUploads } from '../../src/registry/uploads.ts'
import {
  content,
  createOwner,
  GENESIS,
  loggedOf,
  openTestRegistry,
  type Owner,
  refusalOf,
  sha256,
  stateOf,
  type TestRegistry,
} from './parties.ts'

const FILE = content(1000)
let registry: TestRegistry
let owner: Owner

beforeEach(() => {
  registry = openTestRegistry()
  owner = createOwner(registry.clock)
  registry.admit([{ ...owner, models: 100 }])
})

const put = (statement: string): Promise<Response> => registry.call('PUT', '/v1/models', statement)
const remove = (removal: string): Promise<Response> => registry.call('POST', '/v1/removals', removal)

describe('what is public, sent again by anybody,', () => {
  it(claim('models.owner', 'takes nothing from the rate of its owner'), async () => {
    await registry.upload(owner, FILE)
    const [first, second] = [1, 2].map((version) => owner.statement(FILE, { version })) as [string, string]
    await loggedOf(await put(first))
    await loggedOf(await put(second))
    const removal = owner.removal({ version: 1 })
    await loggedOf(await remove(removal))
    const other = owner.removal({ version: 1, createdAt: registry.clock.now - 1 })
    for (let n = 0; n < 50; n++) {
      expect((await put(second)).status).toBe(200)
      expect(await refusalOf(put(first))).toBe('410 REGISTRY_MODEL_REMOVED')
      expect((await remove(removal)).status).toBe(200)
      expect(await refusalOf(remove(other))).toBe('410 REGISTRY_MODEL_REMOVED')
    }
    await loggedOf(await put(owner.statement(FILE, { version: 3 })))
    await loggedOf(await remove(owner.removal({ version: 3 })))
  })
})

/** Three models, whose removals the log did not take. */
async function waitingRemovals(): Promise<string[]> {
  const removals: string[] = []
  registry.onAppend.before = (entry) => {
    if (removals.includes(fromUtf8(entry))) throw new SottoError('LOG_UNREACHABLE', 'retry', 'away')
  }
  for (let n = 0; n < 3; n++) {
    await registry.upload(owner, FILE)
    await loggedOf(await put(owner.statement(FILE, { name: `m${n}` })))
    removals.push(owner.removal({ name: `m${n}` }))
    expect(await refusalOf(remove(removals[n]!))).toBe('503 LOG_UNREACHABLE')
  }
  return removals
}

describe('a removal that the log refuses', () => {
  it('holds up no other, however many there are', async () => {
    const removals = await waitingRemovals()
    registry.onAppend.before = (entry) => {
      if (fromUtf8(entry) === removals[0]) throw new SottoError('LOG_REFUSED', 'stop', 'not this one')
    }
    await expect(registry.tick()).rejects.toMatchObject({ code: 'LOG_REFUSED' })
    const logged = registry.log.entries.map((entry) => fromUtf8(entry))
    expect(removals.map((one) => logged.includes(one))).toEqual([false, true, true])
    registry.onAppend.before = () => undefined
    await registry.tick()
    expect(fromUtf8(registry.log.entries.at(-1)!)).toBe(removals[0])
  })

  it('or never answers holds up no other either: the next round begins after it', async () => {
    const removals = await waitingRemovals()
    registry.onAppend.before = (entry) => {
      if (fromUtf8(entry) === removals[0]) throw new SottoError('LOG_UNREACHABLE', 'retry', 'no answer')
    }
    const logged = (): boolean[] => {
      const entries = registry.log.entries.map((entry) => fromUtf8(entry))
      return removals.map((one) => entries.includes(one))
    }
    for (const expected of [
      [false, false, false],
      [false, true, true],
    ]) {
      await expect(registry.tick()).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' })
      expect(logged()).toEqual(expected)
    }
  })
})

describe('a file that cannot be put in its place', () => {
  const begin = async (): Promise<string> =>
    (await stateOf(await registry.call('POST', '/v1/uploads', owner.intent(FILE)))).upload
  const patch = (id: string, offset: number, body: BodyInit): Promise<Response> =>
    registry.call('PATCH', `/v1/uploads/${id}`, body, { 'upload-offset': String(offset) })

  it('stays where it is, and is put there when there is room', async () => {
    const id = await begin()
    const place = join(registry.folder, 'blobs', sha256(FILE).slice(0, 2))
    writeFileSync(place, 'in the way')
    expect(await refusalOf(patch(id, 0, FILE))).toBe('503 REGISTRY_STORE_FAILED')
    expect(await stateOf(await registry.call('GET', `/v1/uploads/${id}`))).toMatchObject({ offset: 1000 })
    rmSync(place)
    expect(await stateOf(await patch(id, 1000, new Uint8Array()))).toMatchObject({ complete: true })
  })

  it('is taken back where the note of it fails, and completed by the next request', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-registry-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const database = openRegistryDatabase(join(folder, 'registry.db'))
    onTestFinished(() => database.close())
    const files = openBlobFiles(folder)
    let isFull = true
    const full = new SottoError('REGISTRY_DISK_FULL', 'retry', 'full')
    const uploads = openUploads({
      database: {
        ...database,
        transaction(work) {
          if (isFull) throw full
          database.transaction(work)
        },
      },
      files,
      maxUploads: 3,
      now: () => 5,
    })
    const digest = sha256(FILE)
    const about = {
      format: 'sotto-model-upload/1',
      genesis: GENESIS,
      owner: owner.key,
      createdAt: 5,
    } as const
    const quota = { key: owner.key, models: 1, bytes: 10_000 }
    const { upload } = await uploads.open({ ...about, digest, bytes: FILE.length }, quota)
    await expect(uploads.append(upload, 0, new Blob([FILE]).stream())).rejects.toBe(full)
    expect([files.has(digest), existsSync(files.part(upload))]).toEqual([false, true])
    isFull = false
    expect(await uploads.append(upload, 1000, new Blob([]).stream())).toMatchObject({ complete: true })
    expect(readdirSync(join(folder, 'uploads'))).toEqual([])
  })

  it('a part that comes too slowly is kept as far as it came, and holds its upload no longer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-registry-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const database = openRegistryDatabase(join(folder, 'registry.db'))
    onTestFinished(() => database.close())
    const uploads = openUploads({
      database,
      files: openBlobFiles(folder),
      maxUploads: 3,
      now: () => 5,
      pace: { graceMs: 20, minBytesPerSecond: 1e9 },
    })
    const about = {
      format: 'sotto-model-upload/1',
      genesis: GENESIS,
      owner: owner.key,
      createdAt: 5,
    } as const
    const { upload } = await uploads.open(
      { ...about, digest: sha256(FILE), bytes: FILE.length },
      { key: owner.key, models: 1, bytes: 10_000 },
    )
    const stalled = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(FILE.slice(0, 300)),
    })
    await expect(uploads.append(upload, 0, stalled)).rejects.toMatchObject({ code: 'HTTP_BODY_CUT' })
    expect(uploads.read(upload)).toMatchObject({ offset: 300, complete: false })
    const rest = uploads.append(upload, 300, new Blob([FILE.slice(300)]).stream())
    expect(await rest).toMatchObject({ complete: true })
  })
})
