import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTarStream, type TarEntry, type TarLimits } from '../../../src/oci/index.ts'
import { encodeEntry, header, paxRecord, writeTar, type WrittenEntry } from '../support/tar-writer.ts'

/** What is read, with the content of each entry. */
async function read(
  tar: Uint8Array,
  limits?: TarLimits,
  pieceBytes = tar.length,
): Promise<(Omit<TarEntry, 'content'> & { text: string })[]> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < tar.length; at += pieceBytes) yield tar.subarray(at, at + pieceBytes)
  }
  const entries = []
  for await (const { content, ...entry } of readTarStream(pieces(), limits)) {
    const parts: Uint8Array[] = []
    for await (const piece of content) parts.push(piece)
    entries.push({ ...entry, text: Buffer.concat(parts).toString('latin1') })
  }
  return entries
}

const file = (path: string, text = ''): WrittenEntry => ({ path, content: Buffer.from(text) })
const invalid = { code: 'IMAGE_INVALID', action: 'fix-input' }
const unsupported = { code: 'IMAGE_UNSUPPORTED', action: 'fix-input' }

describe('a layer', () => {
  it('is read entry by entry, whatever wrote it', async () => {
    const long = 'd/'.repeat(120) + 'f'
    const tar = writeTar([
      { path: 'etc/', type: '5', mode: 0o40755 },
      { path: 'etc/a', content: Buffer.from('abc'), mode: 0o4755, uid: 1000, gid: 2 ** 31 },
      { path: 'etc/l', type: '2', link: 'a' },
      { path: 'etc/h', type: '1', link: 'etc/a' },
      { path: 'dev/null', type: '3', major: 1, minor: 3 },
      { path: long, content: Buffer.from('pax') },
      { path: long, content: Buffer.from('gnu'), isGnu: true },
      { path: 'old/', type: '\0' },
      { path: 'x', pax: { 'SCHILY.xattr.user.a': 'v\0w', mtime: '1.5', uid: '4000000000' } },
    ])
    const entries = await read(tar)
    expect(entries.map(({ path, type, text }) => [path, type, text])).toEqual([
      ['etc/', 'directory', ''],
      ['etc/a', 'file', 'abc'],
      ['etc/l', 'symlink', ''],
      ['etc/h', 'hardlink', ''],
      ['dev/null', 'character', ''],
      [long, 'file', 'pax'],
      [long, 'file', 'gnu'],
      ['old/', 'directory', ''],
      ['x', 'file', ''],
    ])
    expect(entries[0]!.mode).toBe(0o755)
    expect(entries[1]).toMatchObject({ mode: 0o4755, uid: 1000, gid: 2 ** 31 })
    expect(entries[4]).toMatchObject({ major: 1, minor: 3 })
    expect(entries[8]).toMatchObject({ uid: 4_000_000_000, mtime: { seconds: 1n, nanoseconds: 500_000_000 } })
    expect([...entries[8]!.xattrs]).toEqual([['user.a', new TextEncoder().encode('v\0w')]])
  })

  it('is the same however its bytes are cut', async () => {
    const tar = writeTar([file('a', 'x'.repeat(1000)), { path: 'b'.repeat(200), pax: { mtime: '-3.25' } }])
    const whole = await read(tar)
    for (const pieceBytes of [1, 7, 511, 512, 513]) expect(await read(tar, {}, pieceBytes)).toEqual(whole)
  })

  it('goes on behind content that nobody read, or not all of', async () => {
    // The content looks like an entry of its own.
    const inner = writeTar([file('evil', 'evil')])
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield writeTar([{ path: 'a', content: inner }, file('b')])
    }
    for (const isTouched of [false, true]) {
      const paths: string[] = []
      for await (const { path, content } of readTarStream(pieces())) {
        paths.push(path)
        if (isTouched) for await (const _ of content) break
      }
      expect(paths).toEqual(['a', 'b'])
    }
  })

  it('gives back what was written (any entry)', async () => {
    const byteText = (maxLength: number): fc.Arbitrary<string> =>
      fc
        .uint8Array({ minLength: 1, maxLength })
        .map((bytes) => Buffer.from(bytes.map((byte) => byte || 1)).toString('latin1'))
        .filter((text) => !text.endsWith('/'))
    const entry = fc.record({
      path: byteText(300),
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      mtime: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      content: fc.uint8Array({ maxLength: 1500 }),
      isGnu: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 5 }), async (entries) => {
        const found = await read(writeTar(entries))
        expect(
          found.map(({ path, mode, uid, mtime, text }) => [path, mode, uid, mtime.seconds, text]),
        ).toEqual(
          entries.map(({ path, mode, uid, mtime, content }) => [
            path,
            mode,
            uid,
            BigInt(mtime),
            Buffer.from(content).toString('latin1'),
          ]),
        )
      }),
      { numRuns: process.env['SLOW'] === '1' ? 500 : 50 },
    )
  })

  it('is read or refused, never anything else (any bytes, any flip)', async () => {
    const whole = writeTar([{ path: 'p'.repeat(150), content: Buffer.from('abc') }, file('b', 'c')])
    const settle = async (tar: Uint8Array): Promise<void> => {
      const failure = await read(tar).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (failure !== undefined)
        expect((failure as { code?: string }).code).toMatch(/^IMAGE_(INVALID|UNSUPPORTED)$/)
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const flipped = Uint8Array.from(whole)
        flipped[at]! ^= bits
        await settle(flipped)
        await settle(whole.subarray(0, at))
      }),
      { numRuns: process.env['SLOW'] === '1' ? 2000 : 200 },
    )
  })
})

describe('a layer that is damaged, or made to mislead', () => {
  const raw = (...parts: Uint8Array[]): Uint8Array => Buffer.concat([...parts, new Uint8Array(1024)])
  const pax = (text: string): Uint8Array[] =>
    encodeEntry({ path: 'm', type: 'x', content: Buffer.from(text, 'latin1') })
  const withField = (offset: number, text: string): Uint8Array => {
    const block = header({ path: 'a' })
    block.set(Buffer.from(text, 'latin1'), offset)
    // The checksum anew, so that it is not what fails.
    let sum = 8 * 0x20
    block.forEach((byte, index) => (sum += index < 148 || index >= 156 ? byte : 0))
    block.set(Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
    return block
  }

  it.each<[string, Uint8Array, object]>([
    ['no tar', Buffer.alloc(512, 1), invalid],
    ['cut within a header', writeTar([file('a')]).subarray(0, 300), invalid],
    ['cut within a content', writeTar([file('a', 'x'.repeat(600))]).subarray(0, 1100), invalid],
    ['with bytes behind its end', Buffer.concat([writeTar([file('a')]), Buffer.from('x')]), invalid],
    ['with an entry behind one empty block', raw(new Uint8Array(512), ...encodeEntry(file('a'))), invalid],
    ['with bytes in a padding', raw(header({ path: 'a', size: 1 }), Buffer.alloc(512, 1)), invalid],
    ['with an octal number that is none', raw(withField(100, '0000x44\0')), invalid],
    ['with a negative size', raw(withField(124, '\xff'.repeat(12))), invalid],
    ['with a size beyond everything', raw(withField(124, `\x80\0\0\0\x7f${'\xff'.repeat(7)}`)), invalid],
    ['with a size that overflows', raw(withField(124, `\xbf${'\xff'.repeat(11)}`)), invalid],
    ['with a negative owner', raw(withField(108, '\xff'.repeat(8))), invalid],
    ['with an extended header and nothing behind it', raw(...pax(paxRecord('path', 'a'))), invalid],
    [
      'with two extended headers in a row',
      raw(...pax(paxRecord('path', 'a')), ...pax(paxRecord('path', 'b')), header({ path: 'a' })),
      invalid,
    ],
    [
      'with a key twice',
      raw(...pax(paxRecord('path', 'a') + paxRecord('path', 'b')), header({ path: 'a' })),
      invalid,
    ],
    ['with a record of a wrong length', raw(...pax('99 path=a\n'), header({ path: 'a' })), invalid],
    ['with a record without a length', raw(...pax('path=a\n'), header({ path: 'a' })), invalid],
    ['with a record that has no end', raw(...pax('9 path=ab'), header({ path: 'a' })), invalid],
    ['with a NUL in a path', raw(...pax(paxRecord('path', 'a\0b')), header({ path: 'a' })), invalid],
    ['with a size that is no number', raw(...pax(paxRecord('size', '1e3')), header({ path: 'a' })), invalid],
    ['with a time that is none', raw(...pax(paxRecord('mtime', '1.x')), header({ path: 'a' })), invalid],
    [
      'with a time beyond 64 bits',
      raw(...pax(paxRecord('mtime', '9223372036854775808')), header({ path: 'a' })),
      invalid,
    ],
    [
      'with a path that nobody can make',
      raw(...pax(paxRecord('path', 'a/'.repeat(3000) + 'b')), header({ path: 'a' })),
      invalid,
    ],
    ['with an extended header of megabytes', raw(header({ path: 'm', type: 'x', size: 2 ** 21 })), invalid],
    [
      'with a sparse file (pax)',
      raw(...pax(paxRecord('GNU.sparse.major', '1')), header({ path: 'a' })),
      unsupported,
    ],
    ['with a sparse file (GNU)', raw(header({ path: 'a', type: 'S' })), unsupported],
    [
      'with a global header',
      raw(...encodeEntry({ path: 'g', type: 'g', content: Buffer.from(paxRecord('comment', 'x')) })),
      unsupported,
    ],
    ['with a contiguous file', raw(header({ path: 'a', type: '7' })), unsupported],
    [
      'with a folder that has content',
      raw(header({ path: 'a', type: '5', size: 512 }), new Uint8Array(512)),
      unsupported,
    ],
    ['with a file that has the name of a folder', raw(header({ path: 'a/' })), unsupported],
    ['of the star dialect', raw(withField(508, 'tar\0')), unsupported],
  ])('%s is refused', async (_name, tar, refusal) => {
    await expect(read(tar)).rejects.toMatchObject(refusal)
  })

  it('is refused beyond its bounds', async () => {
    const tar = writeTar([file('a'), file('b', 'x'.repeat(5000))])
    await expect(read(tar, { maxEntries: 1 })).rejects.toMatchObject({ ...invalid, expected: '1 at most' })
    await expect(read(tar, { maxBytes: 4000 })).rejects.toMatchObject({
      ...invalid,
      expected: '4000 at most',
    })
    expect(await read(tar, { maxEntries: 2, maxBytes: tar.length })).toHaveLength(2)
  })
})
