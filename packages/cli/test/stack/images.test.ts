import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { placeImages, removeImages } from '../../src/stack/images.ts'
import type { Layout } from '../../src/stack/layout.ts'

let root: string
let layout: Layout
let state: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sotto-images-'))
  state = join(root, 'state')
  const dist = join(root, 'dist')
  layout = {
    dist,
    models: join(root, 'models'),
    examples: '',
    chart: '',
    image: (name) => join(dist, 'images', 'software', name),
    edge: (role) => join(dist, 'edge', `${role}.js`),
  }
  for (const file of ['images/software/kms/role.js', 'images/software/inference/bin/node', 'edge/log.js']) {
    mkdirSync(dirname(join(dist, file)), { recursive: true })
    writeFileSync(join(dist, file), `first ${file}`, { mode: 0o755 })
  }
})
afterEach(() => rmSync(root, { recursive: true }))

const NODE = 'images/software/inference/bin/node'
const nodeOf = (placed: Layout): string => join(placed.image('inference'), 'bin', 'node')

describe('the images of a stack', () => {
  it('are the built files, without a second copy of their bytes', async () => {
    const placed = await placeImages(layout, join(state, 'images'))
    expect(placed.models).toBe(layout.models)
    for (const [name, path] of [
      ['kms', join(placed.image('kms'), 'role.js')],
      ['inference', nodeOf(placed)],
      ['edge', placed.edge('log')],
    ] as const) {
      expect(path.startsWith(join(state, 'images', name))).toBe(true)
      expect(readFileSync(path, 'utf8')).toMatch(/^first /)
    }
    expect(statSync(nodeOf(placed)).ino).toBe(statSync(join(layout.dist, NODE)).ino)
  })

  it('are those that the stack runs: a room only where there is one', async () => {
    const role = join(layout.image('room'), 'role.js')
    mkdirSync(dirname(role), { recursive: true })
    writeFileSync(role, 'first')
    const folder = join(state, 'images')
    await placeImages(layout, folder)
    expect(readdirSync(folder).sort()).toEqual(['edge', 'inference', 'kms'])
    const placed = await placeImages(layout, folder, ['kms', 'inference', 'room'])
    expect(readdirSync(folder).sort()).toEqual(['edge', 'inference', 'kms', 'room'])
    expect(statSync(join(placed.image('room'), 'role.js')).ino).toBe(statSync(role).ino)
  })

  it('are copies with the same modes on another file system', async ({ skip }) => {
    if (statSync('/dev/shm').dev === statSync(root).dev) skip('/dev/shm is not another file system')
    const elsewhere = mkdtempSync('/dev/shm/sotto-images-')
    linkSync(join(layout.dist, NODE), join(layout.image('kms'), 'node'))
    try {
      const placed = await placeImages(layout, join(elsewhere, 'images'))
      expect(readFileSync(nodeOf(placed), 'utf8')).toBe(`first ${NODE}`)
      expect(statSync(nodeOf(placed)).mode).toBe(statSync(join(layout.dist, NODE)).mode)
      // What the images share is copied once.
      expect(statSync(nodeOf(placed)).ino).toBe(statSync(join(placed.image('kms'), 'node')).ino)
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })

  it('stay what they were when a build is put in place, and are renewed by the next start', async () => {
    const placed = await placeImages(layout, join(state, 'images'))
    const [staging, old] = [join(root, 'staging'), join(root, 'old')]
    cpSync(layout.dist, staging, { recursive: true })
    writeFileSync(join(staging, NODE), 'second')
    renameSync(layout.dist, old)
    renameSync(staging, layout.dist)
    rmSync(old, { recursive: true })
    expect(readFileSync(nodeOf(placed), 'utf8')).toBe(`first ${NODE}`)
    expect(readFileSync(nodeOf(await placeImages(layout, join(state, 'images'))), 'utf8')).toBe('second')
  })

  it('wait for a build that is being put in place', async () => {
    const away = join(root, 'away')
    renameSync(layout.dist, away)
    setTimeout(() => renameSync(away, layout.dist), 150)
    const placed = await placeImages(layout, join(state, 'images'))
    expect(existsSync(nodeOf(placed))).toBe(true)
  })

  it('are refused when one is missing, or holds a link', async () => {
    symlinkSync('/etc/passwd', join(layout.image('kms'), 'data'))
    await expect(placeImages(layout, join(state, 'images'))).rejects.toMatchObject({
      code: 'IMAGE_UNMEASURABLE',
      found: expect.stringContaining('data is neither a file nor a directory'),
    })
    rmSync(layout.image('kms'), { recursive: true })
    await expect(placeImages(layout, join(state, 'images'))).rejects.toMatchObject({
      code: 'IMAGE_UNMEASURABLE',
      found: expect.stringContaining('kms'),
    })
  })

  it('go with the stack', async () => {
    await placeImages(layout, join(state, 'images'))
    await removeImages(state)
    expect(existsSync(join(state, 'images'))).toBe(false)
    expect(existsSync(join(layout.dist, NODE))).toBe(true)
    await removeImages(state)
  })
})
