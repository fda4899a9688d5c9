import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { encodeTarHeader, packTar, readTar, TAR_END, tarPadding } from '@sotto/protocol/tar'
import { describe, expect, it } from 'vitest'

const LIMITS = { maxFiles: 3, maxBytes: 2000 }
const entry = (path: string, bytes = utf8(path), mode = 0o644): Uint8Array =>
  concat(encodeTarHeader({ path, mode, size: bytes.length }), bytes, tarPadding(bytes.length))
const archive = (...entries: Uint8Array[]): Uint8Array => concat(...entries, TAR_END)

/** An archive of one entry with other text in one field, its checksum made right again. */
function changed(at: number, text: string, directory = false): Uint8Array {
  const header = Buffer.from(encodeTarHeader({ path: 'a', mode: 0o644, size: directory ? 0 : 1 }))
  header.write(text, at, 'latin1')
  header.write('        ', 148, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return directory ? archive(header) : archive(header, utf8('x'), tarPadding(1))
}

const flip = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = bytes.slice()
  copy[at]! ^= 1
  return copy
}
const good = archive(entry('a'))

describe('an archive is refused', () => {
  it.each([
    ['of no bytes', new Uint8Array(), /ends without/],
    ['that ends within a header', good.subarray(0, 300), /ends without/],
    ['that ends within a content', entry('a', new Uint8Array(600)).subarray(0, 1024), /ends within a/],
    ['that ends within a filling', entry('a').subarray(0, 600), /ends within a/],
    ['without its end', entry('a'), /ends without/],
    ['with one empty block at its end', good.subarray(0, good.length - 512), /two empty blocks end it/],
    ['with three empty blocks at its end', concat(good, new Uint8Array(512)), /two empty blocks end it/],
    ['with a byte behind its end', concat(good, utf8('x')), /two empty blocks end it/],
    ['with another archive behind its end', concat(good, good), /two empty blocks end it/],
    ['with a filling that says something', flip(good, 700), /not filled up/],
    ['with an end that says something', flip(good, good.length - 1), /two empty blocks end it/],
    ['with a wrong checksum', flip(good, 0), /checksum of entry 1/],
    ['with a hard link', changed(156, '1'), /entry 1 is a hard link/],
    ['with a symbolic link', changed(156, '2'), /entry 1 is a symbolic link/],
    ['with a device', changed(156, '3'), /a device/],
    ['with a pipe', changed(156, '6'), /a pipe/],
    ['with an extended header', changed(156, 'x'), /an extended header/],
    ['with a global header', changed(156, 'g'), /an extended header/],
    ['with a long name', changed(156, 'L'), /a long name/],
    ['with the old type of a file', changed(156, '\0'), /unknown type/],
    ['with an unknown type', changed(156, 'Z'), /unknown type/],
    ['with a directory', changed(156, '5', true), /a directory/],
    [
      'with a directory that was packed',
      packTar([{ path: 'a', mode: 0o755, directory: true }]),
      /a directory/,
    ],
    ['with an absolute path', changed(0, '/a'), /absolute/],
    ['with a climbing path', changed(0, '../a'), /climbing/],
    ['with a path that climbs back', changed(0, 'b/../a'), /climbing/],
    ['with a path to here', changed(0, '.'), /climbing/],
    ['with no path', changed(0, '\0'), /path of entry 1 is empty/],
    ['with a path beyond ASCII', changed(0, '\xe4'), /unprintable/],
    ['with a path of two lines', changed(0, 'a\nb'), /unprintable/],
    ['with a climbing prefix', changed(345, '..'), /climbing/],
    ['with an absolute prefix', changed(345, '/'), /absolute/],
    ['with a prefix that needs none', changed(345, 'b'), /another spelling/],
    ['with bytes behind its name', changed(2, 'b'), /another spelling/],
    ['with a mode nobody packs', changed(100, '0000600'), /mode of a/],
    ['with a set-user-id bit', changed(100, '0004755'), /mode of a/],
    ['with a mode of other digits', changed(100, '000064 '), /mode of a/],
    ['with an owner', changed(108, '0001750'), /has an owner/],
    ['with a group', changed(116, '0001750'), /has an owner/],
    ['with a time', changed(136, '14000000000'), /a time/],
    ['with a binary size', changed(124, '\x80'), /size of a/],
    ['with a size of fewer digits', changed(124, '0000000001\0'), /size of a/],
    ['with a size of spaces', changed(124, '          1'), /size of a/],
    ['with a size beyond its end', changed(124, '00000003001'), /ends within a/],
    ['with the magic of GNU', changed(257, 'ustar  \0'), /another spelling/],
    ['with no magic', changed(257, '\0\0\0\0\0\0\0\0'), /another spelling/],
    ['with a name of the owner', changed(265, 'root'), /has an owner/],
    ['with a name of the group', changed(297, 'root'), /another spelling/],
    ['with a link name', changed(157, 'target'), /another spelling/],
    ['with a device number', changed(329, '0000001'), /another spelling/],
    ['with bytes where there are none', changed(500, 'x'), /another spelling/],
    ['with a path twice', archive(entry('a'), entry('a')), /a occurs twice/],
    ['with paths out of order', archive(entry('b'), entry('a')), /a stands after b/],
    ['with a file below a file', archive(entry('a'), entry('a-b'), entry('a/b')), /a\/b lies below a file/],
  ])('%s', (_, bytes, found) => {
    expect(() => readTar(bytes, LIMITS)).toThrowError(
      expect.objectContaining({
        code: 'TAR_MALFORMED',
        action: 'fix-input',
        found: expect.stringMatching(found),
      }),
    )
  })

  it('with more files or bytes than allowed, before they are looked at', () => {
    const four = archive(entry('a'), entry('b'), entry('c'), entry('d'))
    expect(readTar(archive(entry('a'), entry('b'), entry('c', new Uint8Array(1998))), LIMITS)).toHaveLength(3)
    for (const bytes of [
      four,
      archive(entry('a', new Uint8Array(2001))),
      archive(entry('a'), entry('b', new Uint8Array(2000))),
      // Says that it has 8 GiB, and has none of them.
      archive(encodeTarHeader({ path: 'a', mode: 0o644, size: 8 ** 11 - 1 })),
    ])
      expect(() => readTar(bytes, LIMITS)).toThrowError(expect.objectContaining({ code: 'TAR_LIMIT' }))
  })

  it('that the tar of the system wrote, with links or without', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-tar-'))
    mkdirSync(join(folder, 'app'))
    writeFileSync(join(folder, 'app/a'), 'x')
    symlinkSync('/etc/passwd', join(folder, 'app/link'))
    for (const format of ['gnu', 'ustar', 'pax'])
      for (const name of ['app', 'app/a', 'app/link']) {
        const { stdout } = spawnSync('tar', ['--format', format, '-b', '1', '-cf', '-', '-C', folder, name])
        expect(() => readTar(stdout, LIMITS)).toThrowError(expect.objectContaining({ code: 'TAR_MALFORMED' }))
      }
    rmSync(folder, { recursive: true })
  })
})
