import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sealArtifact } from '@sotto/protocol/sealed'
import { openCode } from '../../src/app/code.ts'
import { readWhole } from '../../src/app/read-at.ts'
import { unpack } from '../../src/app/unpack/unpack.ts'
import { archiveOf, sha256, temporaryFolder } from './real-app.ts'

const ARCHIVE = archiveOf({ 'a/b.txt': 'one', 'c.txt': 'two' })
const KEY = new Uint8Array(32).fill(3)

function plain(bytes: Uint8Array, digest = sha256(bytes)) {
  const directory = temporaryFolder()
  writeFileSync(join(directory, 'code.tar'), bytes)
  return { directory, code: { file: 'code.tar', sha256: digest } }
}

async function sealed(bytes: Uint8Array) {
  const directory = temporaryFolder()
  const { id, sealed: parts } = sealArtifact({
    contentKey: KEY,
    plaintextBytes: bytes.length,
    source: [bytes],
    metadata: '',
  })
  writeFileSync(join(directory, 'code.sealed'), Buffer.concat(await Array.fromAsync(parts)))
  return { directory, code: { file: 'code.sealed', sha256: sha256(bytes), artifact: id } }
}

describe('the code of an app', () => {
  it('is read into memory, open or sealed, and has no name there', async () => {
    const before = readdirSync('/dev/shm').length
    const config = await sealed(ARCHIVE)
    for (const code of [
      await openCode(plain(ARCHIVE), new Map()),
      await openCode(config, new Map([[config.code.artifact, KEY]])),
    ]) {
      expect(code.bytes).toBe(ARCHIVE.length)
      expect(sha256(readWhole(code.fd))).toBe(sha256(ARCHIVE))
      // From the start again: nobody's reading moves it.
      expect(sha256(readWhole(code.fd))).toBe(sha256(ARCHIVE))
      code.close()
    }
    expect(readdirSync('/dev/shm')).toHaveLength(before)
  })

  it('is refused when any of its bytes changed, with both digests', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(ARCHIVE.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = ARCHIVE.slice()
        changed[at]! ^= flip
        await expect(openCode(plain(changed, sha256(ARCHIVE)), new Map())).rejects.toMatchObject({
          code: 'APP_CODE_OTHER',
          action: 'stop',
          expected: sha256(ARCHIVE),
          found: sha256(changed),
        })
      }),
      { numRuns: 20 },
    )
  })

  it('is refused sealed under another key', async () => {
    const config = await sealed(ARCHIVE)
    const keys = new Map([[config.code.artifact, new Uint8Array(32)]])
    await expect(openCode(config, keys)).rejects.toMatchObject({ code: 'SEALED_KEY' })
  })

  it('is refused where it is no file, a folder, or larger than an app may be', async () => {
    const absent = plain(ARCHIVE)
    const code = { file: 'other.tar', sha256: sha256(ARCHIVE) }
    await expect(openCode({ ...absent, code }, new Map())).rejects.toMatchObject({
      code: 'APP_CODE_UNREADABLE',
    })
    mkdirSync(join(absent.directory, 'other.tar'))
    await expect(openCode({ ...absent, code }, new Map())).rejects.toMatchObject({
      code: 'APP_CODE_UNREADABLE',
    })
    symlinkSync('/dev/zero', join(absent.directory, 'endless.tar'))
    const endless = { ...absent, code: { ...code, file: 'endless.tar' } }
    await expect(openCode(endless, new Map())).rejects.toMatchObject({ code: 'APP_CODE_UNREADABLE' })
  })

  it('is refused where it is no archive of ours; names are told only where it lies open', async () => {
    const climbing = ARCHIVE.slice()
    climbing.set(new TextEncoder().encode('../evil'), 0)
    await expect(openCode(plain(climbing), new Map())).rejects.toMatchObject({
      code: 'APP_CODE_MALFORMED',
      found: expect.any(String),
    })
    const config = await sealed(climbing)
    const refused = await openCode(config, new Map([[config.code.artifact, KEY]])).catch(
      (error: unknown) => error,
    )
    expect(refused).toMatchObject({ code: 'APP_CODE_MALFORMED', found: undefined })
    await expect(openCode(plain(new Uint8Array()), new Map())).rejects.toMatchObject({
      code: 'APP_CODE_MALFORMED',
    })
  })

  it('is refused where it has more folders than can be unpacked', async () => {
    const deep = (count: number) =>
      archiveOf(
        Object.fromEntries(
          Array.from({ length: count }, (_, at) => [`${10_000 + at}/${'a/'.repeat(99)}b`, '']),
        ),
      )
    const [most, more] = [deep(1000), deep(1001)]
    const code = await openCode(plain(most), new Map())
    code.close()
    await expect(openCode(plain(more), new Map())).rejects.toMatchObject({
      code: 'APP_CODE_MALFORMED',
      expected: 'at most 100000 folders',
      found: '100100 folders',
    })
  })

  it('goes to memory or nowhere', async (context) => {
    const folder = join(temporaryFolder())
    const attempt = await openCode(plain(ARCHIVE), new Map(), folder).catch((error: unknown) => error)
    if (!(attempt instanceof Error)) context.skip(`${tmpdir()} is in memory here`)
    expect(attempt).toMatchObject({ code: 'APP_START_FAILED', hint: expect.stringContaining('tmpfs') })
  })
})

describe('unpacking', () => {
  const limits = { maxFiles: 10, maxBytes: 1000 }

  it('makes the folders and files of an archive', () => {
    const folder = temporaryFolder()
    unpack(ARCHIVE, folder, limits)
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['a', 'a/b.txt', 'c.txt'])
  })

  it('replaces nothing, and follows no link', () => {
    const folder = temporaryFolder()
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'c.txt'))
    expect(() => unpack(ARCHIVE, folder, limits)).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    expect(readdirSync(folder)).not.toContain('elsewhere')
  })

  it('keeps to its bounds', () => {
    const many = archiveOf(
      Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`f${10 + index}`, ''])),
    )
    expect(() => unpack(many, temporaryFolder(), limits)).toThrow(
      expect.objectContaining({ code: 'TAR_LIMIT' }),
    )
  })
})
