import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { readTar } from '@sotto/protocol/tar'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { MAX_CODE_BYTES, MAX_CODE_FILES, packCode } from '../../../src/deploy/app/pack.ts'

const LIMITS = { maxFiles: MAX_CODE_FILES, maxBytes: MAX_CODE_BYTES }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-code-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
})

function write(path: string, content = path, mode = 0o644, place = folder): void {
  mkdirSync(join(place, path, '..'), { recursive: true })
  writeFileSync(join(place, path), content)
  chmodSync(join(place, path), mode)
}

const paths = async (): Promise<string[]> =>
  readTar((await packCode(folder)).tar, LIMITS).map(({ path }) => path)
const refusal = (
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; found?: string; hint?: string }> =>
  promise.then(
    () => expect.unreachable('it was packed'),
    (error: unknown) => error as never,
  )

describe('the code of an app', () => {
  it('has the same bytes from another folder, written in another order at another time by another hand', async () => {
    const files: [string, string, number][] = [
      ['server.mjs', 'a', 0o644],
      ['lib/z.mjs', 'b', 0o600],
      ['lib/a.mjs', 'c', 0o664],
      ['run', 'd', 0o755],
      ['lib.mjs', 'e', 0o640],
    ]
    const other = mkdtempSync(join(tmpdir(), 'sotto-code-other-'))
    onTestFinished(() => rmSync(other, { recursive: true }))
    for (const file of files) write(...file)
    for (const [path, content, mode] of files.toReversed()) {
      write(path, content, mode & 0o100 ? 0o700 : 0o666, other)
      utimesSync(join(other, path), 1, 1)
    }
    const [one, two] = [await packCode(folder), await packCode(other)]
    expect(one.sha256).toBe(two.sha256)
    expect(one.sha256).toBe(toHex(crypto.sha256(one.tar)))
    expect(one.files).toBe(5)
    expect(readTar(one.tar, LIMITS).map(({ path, mode }) => [path, mode.toString(8)])).toEqual([
      ['lib.mjs', '644'],
      ['lib/a.mjs', '644'],
      ['lib/z.mjs', '644'],
      ['run', '755'],
      ['server.mjs', '644'],
    ])
  })

  it('is other code with one byte, one name, or the right to execute more', async () => {
    write('a', 'x')
    const digests = [(await packCode(folder)).sha256]
    const again = async (): Promise<void> => void digests.push((await packCode(folder)).sha256)
    write('a', 'y')
    await again()
    write('a', 'x', 0o755)
    await again()
    write('a', 'x', 0o645)
    await again()
    write('b', '')
    await again()
    expect(new Set(digests).size).toBe(4)
    // Whether others may execute it says nothing.
    expect(digests[3]).toBe(digests[0])
  })

  it('is without what belongs to whoever writes it, at any depth', async () => {
    for (const path of [
      '.git/config',
      '.sotto/keys/owner',
      'deep/.git/HEAD',
      '.DS_Store',
      '.env',
      '.gitignore',
      'a',
    ])
      write(path)
    mkdirSync(join(folder, 'empty'))
    expect(await paths()).toEqual(['.env', '.gitignore', 'a'])
  })

  it('may be an empty file, or lie behind a link to its folder', async () => {
    write('empty', '')
    symlinkSync(folder, `${folder}-link`)
    onTestFinished(() => rmSync(`${folder}-link`))
    expect((await packCode(`${folder}-link`)).sha256).toBe((await packCode(folder)).sha256)
  })
})

describe('what is no code', () => {
  it.each([
    ['a link to a file', () => symlinkSync('/etc/passwd', join(folder, 'x')), 'a link'],
    ['a link to a folder', () => symlinkSync('/etc', join(folder, 'x')), 'a link'],
    ['a link to nothing', () => symlinkSync('nothing', join(folder, 'x')), 'a link'],
    ['a link that climbs to the folder itself', () => symlinkSync('..', join(folder, 'x')), 'a link'],
    ['a pipe, which is not waited for', () => execFileSync('mkfifo', [join(folder, 'x')]), 'a special file'],
  ])('%s is refused by its name', async (_what, make, found) => {
    write('a')
    make()
    expect(await refusal(packCode(folder))).toMatchObject({
      code: 'DEPLOY_APP',
      message: 'x is neither a file nor a folder',
      found,
    })
  })

  it.each([
    ['letters beyond ASCII', 'ümlaut.mjs', /"ümlaut\.mjs" is a name/],
    ['a line break', 'a\nb', /"a\\nb" is a name/],
    ['no UTF-8', Buffer.from([0x66, 0xff]), /"f\uFFFD" is a name/],
  ])('a name with %s is refused, and named', async (_what, name, why) => {
    write('a')
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name as string)]), 'x')
    expect(await refusal(packCode(folder))).toMatchObject({
      code: 'DEPLOY_APP',
      message: expect.stringMatching(why) as string,
    })
  })

  it('a path that no archive holds is refused before it is read', async () => {
    const deep = Array.from({ length: 30 }, () => 'folder-of-some').join('/')
    write(`${deep}/x`)
    expect(await refusal(packCode(folder))).toMatchObject({ code: 'DEPLOY_APP' })
  })

  it('nothing, a file, and no folder at all are refused', async () => {
    expect(await refusal(packCode(folder))).toMatchObject({
      code: 'DEPLOY_APP',
      message: `there is no code in ${folder}`,
    })
    write('a')
    for (const [place, found] of [
      [join(folder, 'a'), 'ENOTDIR'],
      [join(folder, 'none'), 'ENOENT'],
    ] as const)
      expect(await refusal(packCode(place))).toMatchObject({ code: 'DEPLOY_APP', found })
  })

  it('more bytes than an enclave takes are refused without being read', async () => {
    write('a')
    // A hole: it takes no room on the disk, and would take 513 MiB of memory.
    write('b')
    truncateSync(join(folder, 'b'), MAX_CODE_BYTES + 1)
    const before = process.resourceUsage().maxRSS
    expect(await refusal(packCode(folder))).toMatchObject({
      code: 'DEPLOY_APP',
      expected: `at most ${MAX_CODE_FILES} files and 512 MiB`,
    })
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(256 * 1024)
  })

  it('more files than an enclave takes are refused', { timeout: 60_000 }, async () => {
    for (let folderNumber = 0; folderNumber < 21; folderNumber++) {
      mkdirSync(join(folder, `${folderNumber}`))
      for (let n = 0; n < 1000; n++) writeFileSync(join(folder, `${folderNumber}`, `${n}`), '')
    }
    expect(await refusal(packCode(folder))).toMatchObject({ code: 'DEPLOY_APP' })
  })
})
