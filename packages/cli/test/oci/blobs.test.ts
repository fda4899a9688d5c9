import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type * as files from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type BlobId, type BlobStore, openBlobs } from '../../src/oci/blobs.ts'
import { digestOf } from './support/registry-server.ts'
import { temporary } from './support/sample.ts'

/** What becomes of links and copies: as they are, none between file systems, none at all on a full disk. */
const disk = vi.hoisted((): { links: boolean; room: boolean } => ({ links: true, room: true }))
vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof files>()
  const failing = (code: string): Promise<never> => Promise.reject(Object.assign(new Error(code), { code }))
  return {
    ...original,
    link: (...args: Parameters<typeof original.link>) =>
      disk.links ? original.link(...args) : failing('EXDEV'),
    copyFile: async (...args: Parameters<typeof original.copyFile>) => {
      if (disk.room) return original.copyFile(...args)
      await original.writeFile(args[1], 'half')
      return failing('ENOSPC')
    },
  }
})

const BYTES = Buffer.from('a layer of a base')
const blob: BlobId = { digest: digestOf(BYTES), size: BYTES.length }

let root: string
let from: BlobStore
let to: BlobStore
beforeEach(() => {
  Object.assign(disk, { links: true, room: true })
  root = temporary()
  from = openBlobs(join(root, 'from'))
  to = openBlobs(join(root, 'to'))
  mkdirSync(from.folder, { recursive: true })
  mkdirSync(to.folder, { recursive: true })
  writeFileSync(from.path(blob.digest), BYTES)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** The blob alone, whole: no part is left beside it. */
const expectWhole = (store: BlobStore): void => {
  expect(readdirSync(store.folder)).toEqual([blob.digest.slice(7)])
  expect(readFileSync(store.path(blob.digest))).toEqual(BYTES)
}

describe.each([
  ['by links', true],
  ['by copies', false],
])('a blob that is taken over, %s', (_how, links) => {
  beforeEach(() => {
    disk.links = links
  })

  it('is new where there was none of its name', async () => {
    expect(await to.take(blob, from)).toEqual({ isNew: true })
    expectWhole(to)
    const isSameFile = statSync(to.path(blob.digest)).ino === statSync(from.path(blob.digest)).ino
    expect(isSameFile).toBe(links)
  })

  it.each<[string, () => void]>([
    ['whole', () => writeFileSync(to.path(blob.digest), BYTES)],
    ['damaged', () => writeFileSync(to.path(blob.digest), 'damaged')],
    ['the same file', () => linkSync(from.path(blob.digest), to.path(blob.digest))],
  ])('is not new where one is there, which was %s', async (_what, prepare) => {
    prepare()
    expect(await to.take(blob, from)).toEqual({ isNew: false })
    expectWhole(to)
    expectWhole(from)
  })

  it('is not new in its own store, and stays there', async () => {
    expect(await from.take(blob, from)).toEqual({ isNew: false })
    expectWhole(from)
  })
})

describe('a blob that cannot be taken over', () => {
  it('leaves the one that is there, and nothing where there is none', async () => {
    Object.assign(disk, { links: false, room: false })
    const full = { code: 'CLI_FILE', message: 'the disk is full' }
    await expect(to.take(blob, from)).rejects.toMatchObject(full)
    expect(readdirSync(to.folder)).toEqual([])
    writeFileSync(to.path(blob.digest), BYTES)
    await expect(to.take(blob, from)).rejects.toMatchObject(full)
    expectWhole(to)
  })

  it('is there all the time while it is taken again', async () => {
    writeFileSync(to.path(blob.digest), BYTES)
    let isTaken = false
    const taking = to.take(blob, from).finally(() => (isTaken = true))
    let looks = 0
    do {
      expect(readFileSync(to.path(blob.digest))).toEqual(BYTES)
      looks++
      await new Promise(setImmediate)
    } while (!isTaken)
    await taking
    expect(looks).toBeGreaterThan(1)
  })
})
