import fc from 'fast-check'
import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SottoError } from '@sotto/protocol/errors'
import { readLayout } from '../../../src/room/container/layout.ts'
import { unpackImage } from '../../../src/room/container/unpack/unpack-image.ts'
import { buildLayout, file, folder, hardlink, openRamFile, symlink } from './layouts.ts'

const RUNS = process.env['SLOW'] === '1' ? 2000 : 150
const step = fc.constantFrom('a', 'b', 'c', 'out', '..', '.', '', '.wh.a', '.wh.b', '.wh..wh..opq', 'beside')
const path = fc.array(step, { minLength: 1, maxLength: 4 }).map((steps) => steps.join('/'))
const target = fc.oneof(
  path,
  path.map((one) => `/${one}`),
  fc.constantFrom('../beside', '/tmp', '../../beside/kept'),
)
const entry = fc.oneof(
  fc.tuple(path, fc.string({ maxLength: 8 })).map(([at, text]) => file(at, text)),
  path.map(folder),
  fc.tuple(path, target).map(([at, to]) => symlink(at, to)),
  fc.tuple(path, target).map(([at, to]) => hardlink(at, to)),
)
const layers = fc.array(fc.array(entry, { maxLength: 8 }), { minLength: 1, maxLength: 3 })

it('layers of any entries touch nothing beside the folder they are unpacked in, and leave files, folders and links', async () => {
  await fc.assert(
    fc.asyncProperty(layers, async (entries) => {
      const outer = mkdtempSync(join(tmpdir(), 'sotto-unpack-property-'))
      const { tar, manifest } = buildLayout(entries)
      const fd = openRamFile(tar)
      try {
        mkdirSync(join(outer, 'image'))
        mkdirSync(join(outer, 'beside'))
        writeFileSync(join(outer, 'beside/kept'), 'kept')
        try {
          const image = await readLayout(fd, { manifest })
          await unpackImage(fd, join(outer, 'image'), { ...image, maxBytes: 2 ** 20 })
        } catch (error) {
          if (!(error instanceof SottoError)) throw error
        }
        expect(readdirSync(outer).sort()).toEqual(['beside', 'image'])
        expect(readdirSync(join(outer, 'beside'))).toEqual(['kept'])
        expect(readFileSync(join(outer, 'beside/kept'), 'utf8')).toBe('kept')
        expect(lstatSync(join(outer, 'beside/kept')).nlink).toBe(1)
      } finally {
        closeSync(fd)
        rmSync(outer, { recursive: true })
      }
    }),
    { numRuns: RUNS },
  )
})
