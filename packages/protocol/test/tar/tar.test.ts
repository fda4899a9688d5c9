import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { encodeTarHeader, packTar, readTar, TAR_END, tarPadding } from '@sotto/protocol/tar'
import { afterAll, describe, expect, it } from 'vitest'

const work = mkdtempSync(join(tmpdir(), 'sotto-tar-'))
afterAll(() => rmSync(work, { recursive: true }))

const LIMITS = { maxFiles: 10, maxBytes: 1 << 20 }
const FILES = [
  { path: 'server.js', mode: 0o644, bytes: utf8('listen()') },
  { path: 'bin/start', mode: 0o755, bytes: utf8('#!/bin/sh\n') },
  { path: 'bin/empty', mode: 0o644, bytes: new Uint8Array() },
]

describe('an archive', () => {
  it('gives its files back, sorted by path', () => {
    const files = readTar(packTar(FILES), LIMITS)
    expect(files.map(({ path, mode }) => [path, mode])).toEqual([
      ['bin/empty', 0o644],
      ['bin/start', 0o755],
      ['server.js', 0o644],
    ])
    expect(files[2]!.bytes).toEqual(utf8('listen()'))
  })

  it('is the same in whatever order the files are given, and never another one', () => {
    const digest = createHash('sha256').update(packTar(FILES)).digest('hex')
    expect(createHash('sha256').update(packTar(FILES.toReversed())).digest('hex')).toBe(digest)
    expect(digest).toBe('8262217c0d952feec1f9d9139566b347c194233742c2db2726bb875f26ab0dd1')
  })

  it('of nothing is two empty blocks', () => {
    expect(packTar([])).toEqual(TAR_END)
    expect(readTar(TAR_END, LIMITS)).toEqual([])
  })

  it('can be written part by part', () => {
    const bytes = utf8('#!/bin/sh\n')
    const header = encodeTarHeader({ path: 'bin/start', mode: 0o755, size: bytes.length })
    expect(concat(header, bytes, tarPadding(bytes.length), TAR_END)).toEqual(packTar([FILES[1]!]))
    expect(tarPadding(0)).toHaveLength(0)
    expect(tarPadding(512)).toHaveLength(0)
    expect(tarPadding(513)).toHaveLength(511)
  })

  it('is unpacked by the tar of the system, with its directories', () => {
    const archive = packTar([...FILES, { path: 'bin', mode: 0o755, directory: true }])
    expect(spawnSync('tar', ['-xf', '-', '-C', work], { input: archive }).status).toBe(0)
    expect(readFileSync(join(work, 'bin/start'), 'latin1')).toBe('#!/bin/sh\n')
    expect(statSync(join(work, 'bin/start')).mode & 0o777).toBe(0o755)
    const listing = spawnSync('tar', ['--numeric-owner', '--utc', '-tvf', '-'], {
      input: archive,
    }).stdout.toString()
    expect(listing.split('\n')[0]).toMatch(/^drwxr-xr-x 0\/0 +0 1970-01-01 00:00 bin\/$/)
  })
})

describe('a header', () => {
  it('splits a long path, and refuses what it cannot hold', () => {
    const long = `${'a'.repeat(120)}/${'b'.repeat(90)}`
    const header = Buffer.from(encodeTarHeader({ path: long, mode: 0o644, size: 1 })).toString('latin1')
    expect(header.slice(345, 465)).toBe('a'.repeat(120))
    expect(header.slice(0, 90)).toBe('b'.repeat(90))
    const longest = `${'a'.repeat(155)}/${'b'.repeat(100)}`
    expect(readTar(packTar([{ path: longest, mode: 0o644, bytes: utf8('x') }]), LIMITS)[0]!.path).toBe(
      longest,
    )
  })

  it.each([
    ['a name that is too long', { path: 'a'.repeat(101) }, /too long/],
    ['a prefix that is too long', { path: `${'a'.repeat(156)}/b` }, /too long/],
    ['a path that is too long', { path: 'a/'.repeat(200) + 'a' }, /too long/],
    [
      'a directory whose name fits only without its separator',
      { path: 'a'.repeat(100), size: 0, directory: true as const },
      /too long/,
    ],
    ['too many bytes', { size: 8 ** 11 }, /too large/],
    ['a negative size', { size: -1 }, /size/],
    ['a broken size', { size: 0.5 }, /size/],
    ['a size that is no number', { size: Number.NaN }, /size/],
    ['a mode with more than permissions', { mode: 0o4755 }, /mode/],
    ['a directory with content', { directory: true as const }, /directory with content/],
    ['an empty path', { path: '' }, /empty, absolute/],
    ['an absolute path', { path: '/a' }, /absolute/],
    ['a path to a folder', { path: 'a/' }, /empty, absolute/],
    ['a climbing path', { path: 'a/../b' }, /climbing/],
    ['a path with an empty segment', { path: 'a//b' }, /empty/],
    ['a path with a dot segment', { path: './a' }, /climbing/],
    ['a path beyond ASCII', { path: 'ä' }, /unprintable/],
    ['a path of two lines', { path: 'a\nb' }, /unprintable/],
    ['a path with a null', { path: 'a\0b' }, /unprintable/],
  ])('refuses %s', (_, change, message) => {
    expect(() => encodeTarHeader({ path: 'a', mode: 0o644, size: 1, ...change })).toThrowError(
      expect.objectContaining({ code: 'TAR_ENTRY', message: expect.stringMatching(message) }),
    )
  })

  it('takes names that only look dangerous', () => {
    for (const path of ['...', '.a', 'a..', '..a/b', '-rf', 'a b', "it's"])
      expect(readTar(packTar([{ path, mode: 0o644, bytes: utf8('x') }]), LIMITS)[0]!.path).toBe(path)
  })
})

describe('entries that cannot lie side by side', () => {
  const file = (path: string, mode = 0o644) => ({ path, mode, bytes: utf8(path) })
  it.each([
    ['a path twice', [file('a'), file('a')], /a occurs twice/],
    ['a file below a file', [file('a/b'), file('a'), file('a-c')], /a\/b lies below a file/],
    ['a file deep below a file', [file('a/b'), file('a/b/c/d')], /a\/b\/c\/d lies below a file/],
    [
      'a directory and a file of one path',
      [file('a'), { path: 'a', mode: 0o755 as const, directory: true as const }],
      /twice/,
    ],
    ['a mode of its own', [file('a', 0o600)], /mode of a/],
  ])('are refused: %s', (_, entries, message) => {
    expect(() => packTar(entries)).toThrowError(
      expect.objectContaining({ code: 'TAR_ENTRY', message: expect.stringMatching(message) }),
    )
  })
})
