import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readHashed } from '../../src/sealed/read-hashed.ts'

const numRuns = process.env['SLOW'] === '1' ? 500 : 60

test('the digest is of the whole file, however it was read and however far', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 4000 }),
      fc.array(fc.tuple(fc.nat(900), fc.nat(50)), { maxLength: 12 }),
      async (file, steps) => {
        const hashed = readHashed(async (start, length) => file.slice(start, start + length), file.length)
        let at = 0
        for (const [length, back] of steps) {
          const start = Math.max(0, at - back)
          expect(await hashed.read(start, length)).toEqual(file.slice(start, start + length))
          at = Math.min(file.length, Math.max(at, start + length))
        }
        expect(await hashed.digest()).toBe(createHash('sha256').update(file).digest('hex'))
      },
    ),
    { numRuns },
  )
})

test('a hole in what was read is no digest, and neither is a file that ends too early', async () => {
  const hashed = readHashed(async (_, length) => new Uint8Array(length), 100)
  await hashed.read(0, 10)
  await expect(hashed.read(20, 10)).rejects.toThrow('in its order')
  const cut = readHashed(async () => new Uint8Array(), 100)
  expect(await cut.digest()).not.toBe(createHash('sha256').update(new Uint8Array(100)).digest('hex'))
})
