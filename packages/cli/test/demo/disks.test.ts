import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { whatDisksHold } from '../../src/demo/disks.ts'
import { createSearch, nothingFound } from '../../src/demo/search.ts'
import { SECRETS } from './leaks.ts'

const READY_AT = Date.now()
const search = createSearch(SECRETS)
const secret = Buffer.from(SECRETS.request[0]!)
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-test-disks-'))
  await mkdir(join(folder, 'images', 'inference'), { recursive: true })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function write(name: string, writtenAt: number): Promise<void> {
  await writeFile(join(folder, name), secret)
  await utimes(join(folder, name), writtenAt / 1000, writtenAt / 1000)
}

it('finds a secret in any file of the stack, however old it says it is', async () => {
  await write('store.db', READY_AT - 60_000)
  expect(await whatDisksHold(folder, READY_AT, search)).toEqual({
    files: 1,
    found: { ...nothingFound(), request: true },
  })
})

it('finds what is written into an image while the stack runs, and leaves the build out', async () => {
  await write('images/inference/role.js', READY_AT - 60_000)
  expect(await whatDisksHold(folder, READY_AT, search)).toEqual({ files: 0, found: nothingFound() })
  await write('images/inference/dump', READY_AT + 1000)
  expect((await whatDisksHold(folder, READY_AT, search)).found.request).toBe(true)
})
