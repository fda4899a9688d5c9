import { createHash, randomBytes } from 'node:crypto'
import { readlinkSync, readdirSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { fakeApi } from './support.ts'
import { form, MIB, type Part, stalled } from './upload-forms.ts'

const RUNS = process.env['SLOW'] ? 200 : 15

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Descriptors of this process that are unnamed files in the RAM disk. */
const unnamed = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/dev/shm/#')
    } catch {
      return false
    }
  }).length

describe('a file before the fields that say what to do with it', () => {
  it.each([
    [
      'last',
      (file: Uint8Array): Part[] => [
        ['file', file],
        ['response_format', 'text'],
        ['language', 'en'],
        ['model', 'listener'],
      ],
    ],
    [
      'around it',
      (file: Uint8Array): Part[] => [
        ['model', 'listener'],
        ['file', file],
        ['language', 'en'],
        ['response_format', 'text'],
      ],
    ],
    [
      'first',
      (file: Uint8Array): Part[] => [
        ['model', 'listener'],
        ['language', 'en'],
        ['response_format', 'text'],
        ['file', file],
      ],
    ],
  ])('of 13 MB is heard as it was sent, with the fields %s', async (_where, parts) => {
    const { api, asked, room } = fakeApi()
    const file = randomBytes(13_000_000)
    const response = await api(form(parts(file)))
    expect([response.status, await response.text()]).toEqual([200, 'one two three\n'])
    expect(asked.transcribe).toEqual([
      { bytes: file.length, sha256: sha256(file), params: { task: 'transcribe', language: 'en' } },
    ])
    expect(room.files).toBe(0)
  })

  it('is the same whatever its size and the pieces it comes in', async () => {
    const { api, asked, room } = fakeApi()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: MIB - 100, max: MIB + 200_000 })),
        fc.integer({ min: 500, max: 300_000 }),
        async (size, piece) => {
          const file = randomBytes(size)
          const response = await api(
            form(
              [
                ['file', file],
                ['model', 'listener'],
              ],
              { piece },
            ),
          )
          expect(response.status).toBe(200)
          expect(asked.transcribe.at(-1)).toMatchObject({ bytes: size, sha256: sha256(file) })
        },
      ),
      { numRuns: RUNS },
    )
    expect(room.files).toBe(0)
  })

  it(claim('see.gateway', 'waits in a file without a name, in memory'), async () => {
    const { api, asked, room } = fakeApi()
    const before = unnamed()
    const { request, fail } = stalled(3 * MIB)
    const pending = api(request)
    await expect.poll(() => room.files).toBe(1)
    expect(unnamed() - before).toBe(1)
    expect(readdirSync('/dev/shm').filter((name) => name.startsWith('#'))).toEqual([])
    fail()
    expect((await pending).status).toBeGreaterThanOrEqual(400)
    expect([asked.transcribe, room.files, unnamed() - before]).toEqual([[], 0, 0])
  })
})

describe('the largest recording', () => {
  const file = new Uint8Array(2 * MIB)

  it.each([
    [
      'after the fields',
      (bytes: Uint8Array): Part[] => [
        ['model', 'listener'],
        ['file', bytes],
      ],
    ],
    [
      'before the fields',
      (bytes: Uint8Array): Part[] => [
        ['file', bytes],
        ['model', 'listener'],
      ],
    ],
  ])('of exactly the limit passes and one byte more does not, %s', async (_where, parts) => {
    const { api, asked, room } = fakeApi(file.length)
    for (const type of ['', '; fields=first'].slice(0, parts(file)[0]![0] === 'model' ? 2 : 1)) {
      expect((await api(form(parts(file), { type }))).status).toBe(200)
      const response = await api(form(parts(new Uint8Array(file.length + 1)), { type }))
      expect([response.status, await response.json()]).toMatchObject([
        413,
        { error: { code: 'api_too_large', param: 'file', type: 'invalid_request_error' } },
      ])
      expect(response.headers.get('retry-after')).toBeNull()
    }
    expect(asked.transcribe.every(({ bytes }) => bytes === file.length)).toBe(true)
    expect(room.files).toBe(0)
  })
})

describe('a sender who says that the fields come first', () => {
  const type = '; fields=first'

  it('streams: the room stays empty', async () => {
    const { api, asked } = fakeApi(64 * MIB, { maxFiles: 0 })
    const file = randomBytes(20 * MIB)
    const response = await api(
      form(
        [
          ['model', 'listener'],
          ['file', file],
        ],
        { type },
      ),
    )
    expect(response.status).toBe(200)
    expect(asked.transcribe[0]).toMatchObject({ bytes: file.length, sha256: sha256(file) })
  })

  it('and then writes one after the file is told which', async () => {
    const { api, asked } = fakeApi()
    const parts: Part[] = [
      ['model', 'listener'],
      ['file', new Uint8Array(9 * MIB)],
      ['language', 'en'],
    ]
    const response = await api(form(parts, { type }))
    expect([response.status, await response.json()]).toMatchObject([400, { error: { param: 'language' } }])
    expect(asked.transcribe).toEqual([])
  })
})
