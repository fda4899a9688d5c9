import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fileStorage } from '../../src/node/index.ts'
import type { SottoStorage } from '../../src/index.ts'
import { alone } from '../../src/tokens/alone.ts'
import { openShelf } from '../../src/tokens/shelf.ts'
import { noncesOn, open, settle } from './open-pool.ts'

const WORKER = join(import.meta.dirname, 'storage-worker.ts')
let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'sotto-shared-'))))
afterEach(() => {
  vi.unstubAllGlobals()
  rmSync(folder, { recursive: true })
})

/** A storage object over `values`, which takes its time: whoever does not wait meets what another one is changing. */
function slowStorage(values = new Map<string, string>()): SottoStorage {
  const pause = (): Promise<void> => new Promise((done) => setTimeout(done, 1))
  return {
    async get(key) {
      await pause()
      return values.get(key)
    },
    async set(key, value) {
      await pause()
      values.set(key, value)
    },
  }
}

const values = (): Map<string, string> => new Map()
const oneObject = (): SottoStorage[] => {
  const storage = slowStorage()
  return [storage, storage]
}
const oneMedium = (): SottoStorage[] => {
  const medium = values()
  return [slowStorage(medium), slowStorage(medium)]
}
const oneFolder = (): SottoStorage[] => [fileStorage(join(folder, 's')), fileStorage(join(folder, 's'))]

describe.each<[string, () => SottoStorage[]]>([
  ['one storage object', oneObject],
  ['two storage objects over the same values', oneMedium],
  ['one folder', oneFolder],
])('two connections over %s', (_, openStorages) => {
  it('never spend one token twice, and lose none', async () => {
    const storages = openStorages()
    const pools = storages.map((storage) => open({ shelf: openShelf(storage, 'key', 'standard') }))
    const taken = await Promise.all(Array.from({ length: 24 }, (__, index) => pools[index % 2]!.nonce()))
    // Purchases under way are on no shelf yet.
    const left = async (): Promise<string[]> => noncesOn(openShelf(storages[0]!, 'key', 'standard'))
    const bought = (): number => pools.flatMap(({ state }) => state.orders).reduce((sum, one) => sum + one, 0)
    await expect.poll(async () => taken.length + (await left()).length - bought()).toBe(0)
    expect(new Set([...taken, ...(await left())]).size).toBe(bought())
  })
})

it('where there are no Web Locks, connections with one storage object still take turns', async () => {
  vi.stubGlobal('navigator', undefined)
  const storage = slowStorage()
  const pools = [0, 1].map(() => open({ shelf: openShelf(storage, 'key', 'standard') }))
  const taken = await Promise.all(Array.from({ length: 12 }, (_, index) => pools[index % 2]!.nonce()))
  expect(new Set(taken).size).toBe(12)
})

it('a page that may have no locks works without them; what fails under a lock is not done twice', async () => {
  const refusing = {
    locks: { request: () => Promise.reject(new DOMException('sandboxed', 'SecurityError')) },
  }
  vi.stubGlobal('navigator', refusing)
  expect(await alone(slowStorage(), 'name', async () => 'done')).toBe('done')
  vi.unstubAllGlobals()
  let runs = 0
  const failing = alone(slowStorage(), 'name', async () => {
    runs++
    throw new DOMException('of the work itself', 'SecurityError')
  })
  await expect(failing).rejects.toThrow('of the work itself')
  expect(runs).toBe(1)
  // Whoever comes next is not held up.
  expect(await alone(slowStorage(), 'name', async () => 'next')).toBe('next')
})

it('two processes over one folder share its tokens', { timeout: 60_000 }, async () => {
  const storage = fileStorage(join(folder, 's'))
  const { nonce } = open({ size: 16, shelf: openShelf(storage, 'key', 'standard') })
  const own = await nonce()
  await settle()
  const before = await noncesOn(openShelf(storage, 'key', 'standard'))
  expect(before).not.toEqual([])
  const taken = await Promise.all([run(), run()])
  expect(taken.flat().sort()).toEqual(before.sort())
  expect(taken.flat()).not.toContain(own)
})

/** Takes token after token until there is none. */
function run(): Promise<string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string[]>()
  execFile(process.execPath, [WORKER, join(folder, 's')], (error, stdout) =>
    error ? reject(error) : resolve(stdout.split('\n').filter(Boolean)),
  )
  return promise
}
