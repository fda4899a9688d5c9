import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readLayout } from '../../../src/room/container/layout.ts'
import { unpackImage } from '../../../src/room/container/unpack/unpack-image.ts'
import {
  buildLayout,
  file,
  folder,
  hardlink,
  type LayoutChange,
  ramFile,
  symlink,
  type WrittenEntry,
  writeTar,
} from './layouts.ts'

const ROOMS = ['dev', 'in', 'out', 'proc', 'sys', 'tmp']

/** Unpacks layers into a folder, beside one that nothing may get into. */
async function unpack(
  layers: readonly (readonly WrittenEntry[] | Uint8Array)[],
  { maxBytes = 2 ** 20, ...change }: LayoutChange & { maxBytes?: number } = {},
): Promise<string> {
  const outer = mkdtempSync(join(tmpdir(), 'sotto-unpack-test-'))
  onTestFinished(() => {
    expect(readdirSync(outer)).toEqual(['image'])
    rmSync(outer, { recursive: true })
  })
  const image = join(outer, 'image')
  mkdirSync(image)
  const { tar, manifest } = buildLayout(layers, change)
  const fd = ramFile(tar)
  await unpackImage(fd, image, { ...(await readLayout(fd, { manifest })), maxBytes })
  return image
}

/** All that lies in a folder: contents, where links lead, and what a mode says. */
function contentsOf(image: string, at = ''): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of readdirSync(join(image, at)).sort()) {
    const path = at === '' ? name : `${at}/${name}`
    const stat = lstatSync(join(image, path))
    if (stat.isDirectory()) {
      if (!ROOMS.includes(path)) Object.assign(found, { [`${path}/`]: '' }, contentsOf(image, path))
    } else if (stat.isSymbolicLink()) found[path] = `-> ${readlinkSync(join(image, path))}`
    else found[path] = `${readFileSync(join(image, path), 'latin1')}${stat.mode & 0o100 ? '*' : ''}`
  }
  return found
}

const contents = async (...layers: (readonly WrittenEntry[])[]): Promise<Record<string, string>> =>
  contentsOf(await unpack(layers))
const whiteout = (path: string): WrittenEntry => file(path.replace(/[^/]*$/, (name) => `.wh.${name}`))
const opaque = (path: string): WrittenEntry => file(`${path}/.wh..wh..opq`)

describe('the layers of an image', () => {
  it.each([false, true])('become its files, compressed: %s', async (gzip) => {
    const long = `${'d'.repeat(60)}/${'e'.repeat(60)}/${'f'.repeat(200)}`
    const image = await unpack(
      [
        [
          folder('bin'),
          file('bin/sh', 'shell', 0o755),
          { ...file('etc/secret', 'read by all', 0o600), uid: 1000, gid: 1000 },
          symlink('sh', '/bin/sh'),
          symlink('bin/up', '../etc/secret'),
          hardlink('bin/same', 'bin/sh'),
          hardlink('bin/rooted', '/bin/sh'),
          file(`./${long}`, 'long'),
          file('caf\u00c3\u00a9', 'not ASCII'),
        ],
      ],
      { gzip },
    )
    expect(contentsOf(image)).toMatchObject({
      'bin/sh': 'shell*',
      'bin/same': 'shell*',
      'bin/rooted': 'shell*',
      'etc/secret': 'read by all',
      sh: '-> /bin/sh',
      'bin/up': '-> ../etc/secret',
      [long]: 'long',
      'caf\u00e9': 'not ASCII',
    })
    expect(statSync(join(image, 'etc/secret')).mode & 0o7777).toBe(0o644)
    expect(statSync(join(image, 'bin')).mode & 0o7777).toBe(0o755)
    expect(statSync(join(image, 'bin/same')).ino).toBe(statSync(join(image, 'bin/sh')).ino)
  })

  it('keep no bit of a mode that lends a uid, and leave the folders of the room free', async () => {
    const image = await unpack([
      [
        file('su', 'x', 0o6755),
        { ...folder('tmp'), mode: 0o1777 },
        file('out/kept'),
        { ...folder('w'), mode: 0o2777 },
      ],
    ])
    expect(statSync(join(image, 'su')).mode & 0o7777).toBe(0o755)
    expect(statSync(join(image, 'w')).mode & 0o7777).toBe(0o755)
    expect(readdirSync(image).filter((name) => ROOMS.includes(name))).toEqual(ROOMS)
  })

  it('make the working directory, whatever characters it has, and nothing where a link is on the way', async () => {
    const make = async (WorkingDir: string, entries: WrittenEntry[] = []) =>
      contentsOf(await unpack([entries], { config: (config) => ({ ...config, config: { WorkingDir } }) }))
    expect(await make('/')).toEqual({})
    expect(await make('/a//b/')).toEqual({ 'a/': '', 'a/b/': '' })
    // Their last bytes are those of two dots and a slash.
    expect(await make('/\u012e\u012e\u012fx/\u00e9')).toEqual({
      '\u012e\u012e\u012fx/': '',
      '\u012e\u012e\u012fx/\u00e9/': '',
    })
    expect(await make('/l/b', [symlink('l', '/tmp')])).toEqual({ l: '-> /tmp' })
    expect(await make('/f/b', [file('f')])).toEqual({ f: '' })
  })

  it('replace what lies below them', async () => {
    const lower = [
      file('a', 'lower', 0o755),
      folder('d'),
      file('d/x', 'x'),
      symlink('l', 'a'),
      file('f', 'f'),
    ]
    expect(
      await contents(
        lower,
        [file('a', 'upper'), symlink('d', 'a'), file('l', 'file'), file('f/g', 'g')].slice(0, 3),
      ),
    ).toEqual({ a: 'upper', d: '-> a', l: 'file', f: 'f' })
    expect(await contents(lower, [folder('f'), file('f/g', 'g')])).toMatchObject({ 'f/': '', 'f/g': 'g' })
  })

  it('change no file that is linked from below when they replace one name of it', async () => {
    expect(await contents([file('a', 'one'), hardlink('b', 'a')], [file('a', 'two')])).toEqual({
      a: 'two',
      b: 'one',
    })
  })

  it('take away what lies below them by whiteouts, and nothing of their own', async () => {
    const lower = [file('d/a', 'a'), file('d/e/b', 'b'), file('c', 'c'), symlink('l', 'c')]
    expect(
      await contents(lower, [whiteout('d/a'), whiteout('l'), whiteout('none'), whiteout('no/where')]),
    ).toEqual({
      'd/': '',
      'd/e/': '',
      'd/e/b': 'b',
      c: 'c',
    })
    expect(await contents(lower, [whiteout('d')])).toEqual({ c: 'c', l: '-> c' })
    for (const entries of [
      [opaque('d'), file('d/new', 'n')],
      [file('d/new', 'n'), opaque('d')],
    ])
      expect(await contents(lower, entries)).toEqual({ 'd/': '', 'd/new': 'n', c: 'c', l: '-> c' })
    expect(await contents(lower, [file('d/a', 'again'), whiteout('d')])).toMatchObject({ 'd/a': 'again' })
    expect(await contents(lower, [whiteout('c')], [file('c', 'back')])).toMatchObject({ c: 'back' })
  })
})

describe('a layer that is refused', () => {
  const refused = (found: string): object => ({ code: 'ROOM_CONTAINER_LAYOUT', action: 'fix-input', found })
  const device = (type: string): WrittenEntry => ({ path: 'dev/x', type, major: 1, minor: 3 })

  it.each<[string, string, readonly WrittenEntry[][]]>([
    ['a path that climbs', 'a path in a layer that leads out of it', [[file('../x')]]],
    ['a path that climbs later', 'a path in a layer that leads out of it', [[file('a/../../x')]]],
    ['an absolute path', 'an absolute path in a layer', [[file('/x')]]],
    ['a path that is too deep', 'a path in a layer that is too deep', [[file('a/'.repeat(64) + 'x')]]],
    ['a name that is too long', 'a name in a layer that no file can have', [[file('n'.repeat(256))]]],
    ['a link to nothing', 'a symbolic link to what no path is', [[symlink('a', '')]]],
    ['a link to what is too long', 'a symbolic link to what no path is', [[symlink('a', 'x'.repeat(3073))]]],
    [
      'a path that is too long',
      'a path in a layer that is too deep',
      [[file(`${`${'x'.repeat(250)}/`.repeat(13)}f`)]],
    ],
    ['a link that climbs out', 'a symbolic link that leads out of the image', [[symlink('a/b', '../../x')]]],
    [
      'a link that climbs out of its root',
      'a symbolic link that leads out of the image',
      [[symlink('a', '/../x')]],
    ],
    [
      'a file through a link of its own',
      'a layer that writes through a symbolic link',
      [[symlink('a', '/tmp'), file('a/x')]],
    ],
    [
      'a file through a link below',
      'a layer that writes through a symbolic link',
      [[symlink('a', '/tmp')], [file('a/x')]],
    ],
    [
      'a folder through a link',
      'a layer that writes through a symbolic link',
      [[symlink('a', '/tmp')], [folder('a/x')]],
    ],
    [
      'a whiteout through a link',
      'a layer that writes through a symbolic link',
      [[symlink('a', '/tmp')], [whiteout('a/x')]],
    ],
    [
      'an opaque link',
      'a layer that writes through a symbolic link',
      [[folder('b'), symlink('b/a', '/tmp')], [opaque('b/a')]],
    ],
    ['a hard link out', 'a path in a layer that leads out of it', [[hardlink('a', '../../etc/passwd')]]],
    [
      'a hard link to a file of the machine',
      'a hard link to something that is no file',
      [[hardlink('a', '/etc/passwd')]],
    ],
    [
      'a hard link to a link',
      'a hard link to something that is no file',
      [[symlink('l', '/etc/passwd'), hardlink('a', 'l')]],
    ],
    [
      'a hard link through a link',
      'a layer that writes through a symbolic link',
      [[symlink('l', '/etc'), hardlink('a', 'l/passwd')]],
    ],
    [
      'a hard link to a folder',
      'a hard link to something that is no file',
      [[folder('d'), hardlink('a', 'd')]],
    ],
    ['a hard link to itself', 'a hard link to itself', [[file('a')], [hardlink('a', 'a')]]],
    [
      'a hard link in the place of its target',
      'a hard link to something that is no file',
      [[file('a/b')], [hardlink('a', 'a/b')]],
    ],
    ['a character device', 'a device or pipe in a layer', [[device('3')]]],
    ['a block device', 'a device or pipe in a layer', [[device('4')]]],
    ['a pipe', 'a device or pipe in a layer', [[device('6')]]],
    ['a path twice', 'a layer that has a path twice', [[file('a'), file('./a')]]],
    ['a file in its folder', 'a layer with a file where another has its folder', [[file('a'), file('a/b')]]],
    [
      'a folder in the place of its file',
      'a layer with a file where another has its folder',
      [[file('a'), folder('a')]],
    ],
    ['a file in the place of its folder', 'a layer that has a path twice', [[file('a/b'), file('a')]]],
    ['the root as a link', 'a file in the place of the root', [[symlink('.', '/tmp')]]],
    ['a whiteout of nothing', 'a whiteout of nothing', [[file('.wh.')]]],
    ['a whiteout of what is above', 'a whiteout of nothing', [[file('a/.wh...')]]],
    ['a whiteout of another kind', 'a whiteout of nothing', [[file('.wh..wh.plnk')]]],
    ...ROOMS.map((name): [string, string, readonly WrittenEntry[][]] => [
      `a link in the place of /${name}`,
      'a file or link in the place of a folder of the room',
      [[symlink(name, '/usr')]],
    ]),
  ])('has %s', async (_, found, layers) => {
    await expect(unpack(layers)).rejects.toMatchObject(refused(found))
  })

  it('has more bytes than a room unpacks, whatever it claims', async () => {
    const large = 'an image with more bytes than a room unpacks'
    await expect(
      unpack([[file('a', 'x'.repeat(600))], [file('b', 'x'.repeat(600))]], { maxBytes: 1000 }),
    ).rejects.toMatchObject(refused(large))
    await expect(unpack([[{ ...file('a'), size: 2 ** 33 }]])).rejects.toMatchObject(refused(large))
  })

  it('is no gzip file though the manifest says so, or no tar', async () => {
    const gzipped: LayoutChange = {
      manifest: (manifest) => ({
        ...manifest,
        layers: (manifest['layers'] as { mediaType: string }[]).map((layer) => ({
          ...layer,
          mediaType: `${layer.mediaType}+gzip`,
        })),
      }),
    }
    await expect(unpack([[file('a')]], gzipped)).rejects.toMatchObject(
      refused('a layer that is no gzip file'),
    )
    await expect(unpack([Buffer.alloc(1024, 'x')])).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
    await expect(unpack([writeTar([{ path: 'a', type: 'S' }])])).rejects.toMatchObject({
      code: 'IMAGE_UNSUPPORTED',
    })
  })

  it('is not what its diff_id says', async () => {
    const change: LayoutChange = {
      config: (config) => ({ ...config, rootfs: { diff_ids: [`sha256:${'e'.repeat(64)}`] } }),
    }
    await expect(unpack([[file('a')]], change)).rejects.toMatchObject({
      code: 'ROOM_CONTAINER_DIGEST',
      action: 'stop',
    })
  })
})
