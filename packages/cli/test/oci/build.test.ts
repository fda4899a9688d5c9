import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readTarStream } from '@sotto/protocol/oci'
import {
  architectureOf,
  buildImage,
  type BuildImageOptions,
  readLayer,
  readLayout,
} from '../../src/oci/index.ts'
import { temporary, writeFiles, writeSampleLayout } from './support/sample.ts'

let root: string
beforeEach(() => {
  root = temporary()
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const FILES = {
  'bin/node': 'node',
  'role.js': 'role',
  'node_modules/a/b.js': 'b',
  'node_modules/a-b/c.js': 'c',
}
const options = (out: string, from: string, more: Partial<BuildImageOptions> = {}): BuildImageOptions => ({
  out: join(root, out),
  architecture: 'amd64',
  layers: [
    [{ to: '/opt/sotto/kms', from }],
    [{ to: '/opt/sotto/kms/config.json', bytes: Buffer.from('{}') }],
  ],
  config: {
    Entrypoint: ['/opt/sotto/kms/bin/node', 'role.js'],
    Env: ['LANG=C.UTF-8'],
    User: '65532:65532',
    WorkingDir: '/opt/sotto/kms',
    ExposedPorts: { '8080/tcp': {} },
  },
  annotations: { 'org.opencontainers.image.version': '1.2.3' },
  ...more,
})

/** Nothing to build on, and another image. */
const BASES: [what: string, baseOf: () => Promise<Partial<BuildImageOptions>>][] = [
  ['without a base', async () => ({})],
  ['with a base', async () => ({ base: await readLayout(writeSampleLayout(join(root, 'base'))) })],
]

/** Every file of a folder with its bytes. */
function snapshot(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return Object.fromEntries(
    names
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file.slice(folder.length), readFileSync(file, 'hex')]),
  )
}

describe('an image', () => {
  it('is byte-equal twice, whatever the times, the umask and the order of the files', async () => {
    const one = writeFiles(join(root, 'one'), FILES)
    const other = writeFiles(join(root, 'other'), Object.fromEntries(Object.entries(FILES).reverse()))
    utimesSync(join(other, 'role.js'), 1, 2)
    chmodSync(join(other, 'role.js'), 0o600)
    chmodSync(join(other, 'bin/node'), 0o700)
    await buildImage(options('a', one))
    await buildImage(options('b', other))
    expect(snapshot(join(root, 'a'))).toEqual(snapshot(join(root, 'b')))
  })

  it('that is built again stays as it is, and another takes its place without leaving anything', async () => {
    const from = writeFiles(join(root, 'from'), FILES)
    await buildImage(options('a', from))
    const before = snapshot(join(root, 'a'))
    await buildImage(options('a', from))
    expect(snapshot(join(root, 'a'))).toEqual(before)
    writeFileSync(join(from, 'role.js'), 'another role')
    const image = await buildImage(options('a', from))
    const files = Object.keys(snapshot(join(root, 'a')))
    // Manifest, configuration, two layers, index.json and oci-layout.
    expect(files).toHaveLength(6)
    expect((await readLayout(join(root, 'a'))).descriptor).toEqual(image.descriptor)
  })

  it('has the layers of its base first, and variables of the base that have no other value', async () => {
    const base = await readLayout(writeSampleLayout(join(root, 'base')))
    const image = await buildImage(options('a', writeFiles(join(root, 'from'), FILES), { base }))
    expect(image.config.diffIds[0]).toBe(base.config.diffIds[0])
    expect(image.config.config).toMatchObject({ Env: ['PATH=/usr/bin', 'LANG=C.UTF-8'], User: '65532:65532' })
    expect(image.config.config.Cmd).toBeUndefined()
    expect(image.manifest.layers).toHaveLength(3)
  })

  it('names every folder on the way, and only the executable bit of a mode', async () => {
    const image = await buildImage(options('a', writeFiles(join(root, 'from'), FILES)))
    const entries: string[] = []
    for await (const { path, mode, type } of readTarStream(readLayer(image, 0)))
      entries.push(`${mode.toString(8)} ${type === 'directory' ? 'd' : 'f'} ${path}`)
    expect(entries).toEqual([
      '755 d opt/',
      '755 d opt/sotto/',
      '755 d opt/sotto/kms/',
      '755 d opt/sotto/kms/bin/',
      '755 f opt/sotto/kms/bin/node',
      '755 d opt/sotto/kms/node_modules/',
      '755 d opt/sotto/kms/node_modules/a/',
      '755 d opt/sotto/kms/node_modules/a-b/',
      '644 f opt/sotto/kms/node_modules/a-b/c.js',
      '644 f opt/sotto/kms/node_modules/a/b.js',
      '644 f opt/sotto/kms/role.js',
    ])
    const tar = execFileSync('tar', ['tzf', image.blobs.path(image.manifest.layers[0]!.digest)], {
      encoding: 'utf8',
    })
    expect(tar).toContain('opt/sotto/kms/node_modules/a-b/c.js\n')
  })

  it('names no time, but for the one of SOURCE_DATE_EPOCH', async () => {
    const from = writeFiles(join(root, 'from'), FILES)
    const none = await buildImage(options('a', from))
    const text = (image: typeof none): string =>
      readFileSync(image.blobs.path(image.manifest.config.digest), 'utf8')
    expect(text(none)).not.toContain('created')
    expect(text(await buildImage(options('b', from, { created: 1_700_000_000 })))).toContain(
      '"created":"2023-11-14T22:13:20.000Z"',
    )
  })
})

describe('a build that fails', () => {
  it.each(BASES)('leaves the image of before, and nothing of its own, %s', async (_what, baseOf) => {
    const from = writeFiles(join(root, 'from'), FILES)
    const more = await baseOf()
    await buildImage(options('a', from, more))
    const before = snapshot(join(root, 'a'))
    symlinkSync('/etc/passwd', join(from, 'link'))
    const layers = [[{ to: '/x', bytes: Buffer.from('new') }], [{ to: '/opt', from }]]
    const failing = buildImage(options('a', from, { ...more, layers }))
    await expect(failing).rejects.toMatchObject({ code: 'IMAGE_UNMEASURABLE' })
    expect(snapshot(join(root, 'a'))).toEqual(before)
    await expect(buildImage(options('b', from, more))).rejects.toMatchObject({ code: 'IMAGE_UNMEASURABLE' })
    expect(readdirSync(root)).not.toContain('b')
  })

  it('leaves the image of before where nobody could read the new one', async () => {
    const from = writeFiles(join(root, 'from'), FILES)
    await buildImage(options('a', from))
    const before = snapshot(join(root, 'a'))
    const Env = Array.from({ length: 5000 }, (_, n) => `A${n}=`)
    await expect(buildImage(options('a', from, { config: { Env } }))).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    })
    expect(snapshot(join(root, 'a'))).toEqual(before)
  })

  it('says what is damaged in a base', async () => {
    const folder = writeSampleLayout(join(root, 'base'))
    const base = await readLayout(folder)
    const [layer] = base.manifest.layers
    const path = base.blobs.path(layer!.digest)
    const bytes = readFileSync(path)
    bytes[12]! ^= 1
    writeFileSync(path, bytes)
    const failing = buildImage(options('a', writeFiles(join(root, 'from'), FILES), { base }))
    await expect(failing).rejects.toMatchObject({ code: 'IMAGE_DIGEST', action: 'stop' })
    expect(readdirSync(root)).not.toContain('a')
  })

  it('does not touch a folder with other files, nor mix architectures', async () => {
    const from = writeFiles(join(root, 'from'), FILES)
    await expect(buildImage(options('from', from))).rejects.toMatchObject({ code: 'CLI_FILE' })
    const base = await readLayout(writeSampleLayout(join(root, 'base')))
    await expect(buildImage(options('a', from, { base, architecture: 'arm64' }))).rejects.toMatchObject({
      code: 'IMAGE_UNSUPPORTED',
      expected: 'arm64',
      found: 'amd64',
    })
  })

  it('refuses a path twice, and a file where others need a folder', async () => {
    const bytes = Buffer.from('')
    const twice = [
      [
        { to: '/a', bytes },
        { to: '/a', bytes },
      ],
    ]
    const below = [
      [
        { to: '/a', bytes },
        { to: '/a/b', bytes },
      ],
    ]
    for (const layers of [twice, below])
      await expect(buildImage(options('a', '', { layers }))).rejects.toMatchObject({
        code: 'IMAGE_UNMEASURABLE',
      })
  })
})

describe('a full disk', () => {
  it.each(BASES)('leaves what was there before, and says so, %s', async (_what, baseOf) => {
    const from = writeFiles(join(root, 'from'), FILES)
    const more = await baseOf()
    await buildImage(options('a', from, more))
    const before = snapshot(join(root, 'a'))
    writeFileSync(join(from, 'role.js'), 'another role')
    const file = await open(join(root, 'any'), 'w')
    const prototype = Object.getPrototypeOf(file) as FileHandle
    await file.close()
    // Each write of the build in its turn is the one for which there is no room.
    for (let room = 0; ; room++) {
      let writes = 0
      const original = prototype.writeFile
      const spy = vi.spyOn(prototype, 'writeFile').mockImplementation(function (this: FileHandle, ...args) {
        if (writes++ < room) return original.apply(this, args)
        return Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }))
      })
      const [again, anew] = [
        await buildImage(options('a', from, more)).catch((error: unknown) => error),
        ((writes = 0), await buildImage(options('b', from, more)).catch((error: unknown) => error)),
      ]
      spy.mockRestore()
      if (!(again instanceof Error)) break
      for (const failure of [again, anew])
        expect(failure).toMatchObject({ code: 'CLI_FILE', message: 'the disk is full' })
      expect(snapshot(join(root, 'a'))).toEqual({ ...before, '/oci-layout': expect.any(String) as string })
      expect(readdirSync(root)).not.toContain('b')
      expect(room).toBeLessThan(50)
    }
    const ofBase = more.base?.manifest.layers.length ?? 0
    expect((await readLayout(join(root, 'a'))).manifest.layers).toHaveLength(2 + ofBase)
  })
})

describe('the architecture of an image', () => {
  it('is that of the Node it brings', async () => {
    expect(await architectureOf(process.execPath)).toBe(process.arch === 'x64' ? 'amd64' : 'arm64')
    writeFileSync(join(root, 'script'), '#!/bin/sh\n'.padEnd(100))
    await expect(architectureOf(join(root, 'script'))).rejects.toMatchObject({ code: 'IMAGE_UNSUPPORTED' })
  })
})
