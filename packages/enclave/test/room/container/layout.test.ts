import { describe, expect, it } from 'vitest'
import { CONFIG, INDEX, MANIFEST } from '@sotto/protocol/oci'
import { readLayout } from '../../../src/room/container/layout.ts'
import {
  type BuiltLayout,
  buildLayout,
  digestOf,
  file,
  folder,
  json,
  type LayoutChange,
  ramFile,
  writeTar,
} from './layouts.ts'

const LAYERS = [[file('a', 'one')], [file('b', 'two')]]
const read = ({ tar, manifest }: BuiltLayout, architecture?: string) =>
  readLayout(ramFile(tar), { manifest, ...(architecture !== undefined && { architecture }) })

describe('the layout of an image', () => {
  it.each([false, true])('is read down to its layers, compressed: %s', async (gzip) => {
    const layout = buildLayout(LAYERS, { gzip })
    const { layers, workingDirectory } = await read(layout)
    expect(workingDirectory).toBe('/')
    expect(layers.map(({ isGzip, diffId }) => [isGzip, diffId])).toEqual(
      LAYERS.map((layer) => [gzip, digestOf(writeTar(layer))]),
    )
    const stored = Buffer.from(layout.tar)
    for (const { offset, size, diffId } of layers)
      if (!gzip) expect(digestOf(stored.subarray(offset, offset + size))).toBe(diffId)
  })

  it('may have its files in any order and spelling, and an image of many platforms', async () => {
    const nested = json({ schemaVersion: 2, mediaType: INDEX, manifests: [] })
    const layout = buildLayout(LAYERS, {
      entries: (entries) =>
        entries
          .toReversed()
          .map((entry) => ({ ...entry, path: `./${entry.path}` }))
          .concat(folder('.')),
      index: (index) => ({
        ...index,
        manifests: [
          { mediaType: INDEX, digest: `sha256:${'0'.repeat(64)}`, size: nested.length },
          ...(index['manifests'] as object[]),
        ],
      }),
    })
    expect((await read(layout)).layers).toHaveLength(2)
  })

  it('may name its image in an index inside its index', async () => {
    let inner: Uint8Array = new Uint8Array()
    const layout = buildLayout(LAYERS, {
      index: (index) => {
        inner = json(index)
        const descriptor = { mediaType: INDEX, digest: `sha256:${digestOf(inner)}`, size: inner.length }
        return { schemaVersion: 2, manifests: [descriptor] }
      },
      files: (files) => files.set(`blobs/sha256/${digestOf(inner)}`, inner),
    })
    expect((await read(layout)).layers).toHaveLength(2)
  })

  it('has the working directory of its configuration', async () => {
    const layout = buildLayout(LAYERS, {
      config: (config) => ({ ...config, config: { WorkingDir: '/a/b' } }),
    })
    expect((await read(layout)).workingDirectory).toBe('/a/b')
  })

  it('stops being read when it is cancelled', async () => {
    const { tar, manifest } = buildLayout(LAYERS)
    const reason = new Error('enough')
    await expect(readLayout(ramFile(tar), { manifest, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
  })
})

describe('an image that is another than its digests name', () => {
  const stopped = { code: 'ROOM_CONTAINER_DIGEST', action: 'stop' }

  it('is refused where its manifest is another than the contract names', async () => {
    const { tar } = buildLayout(LAYERS)
    const { manifest } = buildLayout([[file('a', 'other')]])
    await expect(readLayout(ramFile(tar), { manifest })).rejects.toMatchObject(stopped)
  })

  it('is refused where the index does not name it, though its manifest is there', async () => {
    const layout = buildLayout(LAYERS, { index: (index) => ({ ...index, manifests: [] }) })
    await expect(read(layout)).rejects.toMatchObject(stopped)
  })

  it('is refused where any blob was changed or swapped, also one that it does not need', async () => {
    const layout = buildLayout(LAYERS)
    const bytes = Buffer.from(layout.tar)
    const at = bytes.indexOf('two')
    bytes[at] = 'T'.charCodeAt(0)
    await expect(read({ ...layout, tar: bytes })).rejects.toMatchObject(stopped)
    const swapped = buildLayout(LAYERS, {
      files: (files) => {
        const [first, second] = [...files.keys()]
        const bytesOfFirst = files.get(first!)!
        files.set(first!, files.get(second!)!)
        files.set(second!, bytesOfFirst)
      },
    })
    await expect(read(swapped)).rejects.toMatchObject(stopped)
    const beside = buildLayout(LAYERS, {
      files: (files) => files.set(`blobs/sha256/${'c'.repeat(64)}`, Buffer.from('x')),
    })
    await expect(read(beside)).rejects.toMatchObject(stopped)
  })
})

describe('a layout that no room runs', () => {
  const withConfig = (change: object): LayoutChange => ({ config: (config) => ({ ...config, ...change }) })
  const layersAs = (mediaType: string): LayoutChange => ({
    manifest: (manifest) => ({
      ...manifest,
      layers: (manifest['layers'] as object[]).map((layer) => ({ ...layer, mediaType })),
    }),
  })

  it.each<[string, string, LayoutChange]>([
    [
      'zstd layers',
      'a layer that is compressed with zstd',
      layersAs('application/vnd.oci.image.layer.v1.tar+zstd'),
    ],
    [
      'layers of another kind',
      'an image has a layer of a kind that is not read here',
      layersAs('text/plain'),
    ],
    ['another system', 'an image for another system than Linux', withConfig({ os: 'windows' })],
    [
      'another architecture',
      'an image for another architecture than the room has',
      withConfig({ architecture: 's390x' }),
    ],
    [
      'fewer diff_ids',
      'another number of layers than the configuration says',
      withConfig({ rootfs: { diff_ids: [] } }),
    ],
    ['a diff_id that is none', 'diff_ids has no digests', withConfig({ rootfs: { diff_ids: ['x', 'y'] } })],
    [
      'a relative working directory',
      'a working directory that is no absolute path',
      withConfig({ config: { WorkingDir: 'a' } }),
    ],
    [
      'a climbing working directory',
      'a working directory that is no absolute path',
      withConfig({ config: { WorkingDir: '/a/../..' } }),
    ],
    [
      'a working directory with a NUL',
      'a working directory that is no absolute path',
      withConfig({ config: { WorkingDir: '/a\0' } }),
    ],
    [
      'another version',
      'a layout of another version than 1.0.0',
      { version: { imageLayoutVersion: '2.0.0' } },
    ],
    [
      'a version that says more',
      'a layout of another version than 1.0.0',
      { version: { imageLayoutVersion: '1.0.0', more: 1 } },
    ],
    ['no version', 'a layout of another version than 1.0.0', { version: {} }],
    [
      'a huge version',
      'an oci-layout that is too large',
      { version: { imageLayoutVersion: 'x'.repeat(5000) } },
    ],
    [
      'a version that is no JSON',
      'an oci-layout that is no JSON',
      { files: (files) => files.set('oci-layout', Buffer.from('{')) },
    ],
    [
      'an index that is no JSON',
      'the index is no JSON object',
      { files: (files) => files.set('index.json', Buffer.from('[')) },
    ],
    [
      'an index with a key twice',
      'the index is no JSON object',
      {
        files: (files) =>
          files.set('index.json', Buffer.from('{"schemaVersion":2,"schemaVersion":2,"manifests":[]}')),
      },
    ],
    ['no index', 'no oci-layout or no index.json', { files: (files) => files.delete('index.json') }],
    ['no oci-layout', 'no oci-layout or no index.json', { files: (files) => files.delete('oci-layout') }],
    [
      'a file beside',
      'a file, folder or link that no layout has',
      { files: (files) => files.set('manifest.json', json([])) },
    ],
    [
      'a blob by another digest',
      'a file, folder or link that no layout has',
      { files: (files) => files.set(`blobs/sha512/${'a'.repeat(128)}`, json([])) },
    ],
    [
      'a path that climbs',
      'a file, folder or link that no layout has',
      { files: (files) => files.set('blobs/../index.json', json([])) },
    ],
    [
      'a link',
      'a file, folder or link that no layout has',
      { entries: (entries) => [...entries, { path: 'blobs/sha256/x', type: '2', link: '/etc/passwd' }] },
    ],
    [
      'a file twice',
      'a file of the layout stands twice',
      { entries: (entries) => [...entries, ...entries.filter(({ path }) => path === 'index.json')] },
    ],
    [
      'no configuration',
      'a blob of the image is missing',
      {
        manifest: (manifest) => ({
          ...manifest,
          config: { mediaType: CONFIG, digest: `sha256:${'d'.repeat(64)}`, size: 2 },
        }),
      },
    ],
    [
      'a layer of another size',
      'a blob has another size than its descriptor says',
      {
        manifest: (manifest) => ({
          ...manifest,
          layers: (manifest['layers'] as { size: number }[]).map((layer) => ({
            ...layer,
            size: layer.size + 1,
          })),
        }),
      },
    ],
    [
      'too many layers',
      'layers has more than 127 entries',
      {
        manifest: (manifest) => ({
          ...manifest,
          layers: Array(128).fill((manifest['layers'] as object[])[0]),
        }),
      },
    ],
    [
      'a manifest that is an index',
      'the manifest says that it is something else',
      { manifest: (manifest) => ({ ...manifest, mediaType: INDEX }) },
    ],
    [
      'a manifest of another version',
      'the manifest has another schemaVersion than 2',
      { manifest: (manifest) => ({ ...manifest, schemaVersion: 1 }) },
    ],
    [
      'no image',
      'a manifest is that of no image',
      {
        manifest: (manifest) => ({
          ...manifest,
          config: { mediaType: MANIFEST, digest: `sha256:${'d'.repeat(64)}`, size: 2 },
        }),
      },
    ],
  ])('has %s', async (_, found, change) => {
    await expect(read(buildLayout(LAYERS, change))).rejects.toMatchObject({
      code: 'ROOM_CONTAINER_LAYOUT',
      action: 'fix-input',
      found,
    })
  })

  it.each<[string, (tar: Buffer) => Uint8Array]>([
    ['is empty', () => new Uint8Array()],
    ['is no tar', () => Buffer.alloc(2048, 'x')],
    ['ends within a file', (tar) => tar.subarray(0, 1536 + 100)],
    ['has bytes after its end', (tar) => Buffer.concat([tar, Buffer.from('x')])],
    [
      'has a damaged header',
      (tar) => Buffer.concat([tar.subarray(0, 100), Buffer.from('9'), tar.subarray(101)]),
    ],
    ['is compressed itself', () => Buffer.from([0x1f, 0x8b, 8, 0, ...Array(600).fill(1)])],
  ])('%s', async (_, change) => {
    const { tar, manifest } = buildLayout(LAYERS)
    await expect(readLayout(ramFile(change(Buffer.from(tar))), { manifest })).rejects.toMatchObject({
      code: 'ROOM_CONTAINER_LAYOUT',
    })
  })

  it('quotes nothing of the image where it is refused', async () => {
    const secret = 'topsecret'
    const layouts = [
      buildLayout(LAYERS, layersAs(secret)),
      buildLayout(LAYERS, { files: (files) => files.set('oci-layout', Buffer.from(`{"${secret}`)) }),
      buildLayout(LAYERS, { files: (files) => files.set(secret, Buffer.from('')) }),
      buildLayout(LAYERS, { entries: (entries) => [...entries, { path: secret, type: 'Z' }] }),
    ]
    for (const layout of layouts) {
      const error = await read(layout).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'ROOM_CONTAINER_LAYOUT' })
      expect(JSON.stringify(error, ['message', 'expected', 'found', 'hint', 'cause'])).not.toContain(secret)
    }
  })
})
