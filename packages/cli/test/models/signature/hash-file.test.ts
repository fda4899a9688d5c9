import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { hashFile } from '../../../src/models/signature/index.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-hash-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

it('hashes a file in parts that are those of its bytes, whatever the size of both', async () => {
  const file = join(folder, 'parts')
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 1, max: 12 }),
      async (bytes, shardSize) => {
        writeFileSync(file, bytes)
        const parts = Array.from({ length: Math.ceil(bytes.length / shardSize) }, (_, i) =>
          sha256(bytes.subarray(i * shardSize, (i + 1) * shardSize)),
        )
        expect(await hashFile(file, { hash: 'sha256', shardSize })).toEqual({
          size: bytes.length,
          digests: parts,
        })
        expect(await hashFile(file, { hash: 'sha256' })).toEqual({
          size: bytes.length,
          digests: [sha256(bytes)],
        })
      },
    ),
    { numRuns: 60 },
  )
})

it('hashes what is larger than its buffer', async () => {
  const bytes = Buffer.alloc(3 * 1024 * 1024 + 7, 5)
  const file = join(folder, 'large')
  writeFileSync(file, bytes)
  const shardSize = 1_500_000
  expect(await hashFile(file, { hash: 'blake2b', shardSize })).toEqual({
    size: bytes.length,
    digests: [0, 1, 2].map((i) =>
      createHash('blake2b512')
        .update(bytes.subarray(i * shardSize, (i + 1) * shardSize))
        .digest('hex'),
    ),
  })
})

it('does not read through a link unless it is asked to, and stops when it is told', async () => {
  const file = join(folder, 'target')
  writeFileSync(file, 'x')
  symlinkSync(file, join(folder, 'link'))
  await expect(hashFile(join(folder, 'link'), { hash: 'sha256' })).rejects.toMatchObject({ code: 'ELOOP' })
  expect(await hashFile(join(folder, 'link'), { hash: 'sha256', followLinks: true })).toMatchObject({
    size: 1,
  })
  await expect(hashFile(folder, { hash: 'sha256' })).rejects.toThrow(RangeError)
  await expect(hashFile(file, { hash: 'sha256', signal: AbortSignal.abort() })).rejects.toMatchObject({
    name: 'AbortError',
  })
})
