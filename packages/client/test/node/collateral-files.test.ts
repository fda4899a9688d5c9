import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { packCollateral } from '../../src/collateral/index.ts'
import { COLLATERAL_INDEX, readCollateral, readFolder, writeCollateral } from '../../src/node/index.ts'

const bundle = { fetchedAt: 1_767_268_800, pieces: { 'a.der': Uint8Array.of(1, 2, 3), 'b.json': utf8('{}') } }
const refused = { code: 'COLLATERAL_BUNDLE', action: 'fix-input' }

/** A file of zeros that takes no room. */
function sparse(path: string, bytes: number): void {
  writeFileSync(path, '')
  truncateSync(path, bytes)
}

let directory = ''
let folder = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sotto-collateral-'))
  folder = join(directory, 'deep', 'collateral')
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('a folder of collateral', () => {
  it('gives back what was written, and nothing else lies in it', async () => {
    await writeCollateral(folder, bundle)
    expect(readdirSync(folder).sort()).toEqual(['a.der', 'b.json', COLLATERAL_INDEX])
    expect(await readCollateral(folder)).toEqual(bundle)
  })

  it('takes the place of an earlier one', async () => {
    await writeCollateral(folder, {
      ...bundle,
      pieces: { 'old.der': Uint8Array.of(9), 'a.der': Uint8Array.of(9) },
    })
    await writeCollateral(folder, bundle)
    expect(await readCollateral(folder)).toEqual(bundle)
  })

  it('is not written over files of somebody', async () => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'thesis.txt'), 'mine')
    await expect(writeCollateral(folder, bundle)).rejects.toMatchObject(refused)
    expect(readdirSync(folder)).toEqual(['thesis.txt'])
  })

  it.each<[string, (folder: string) => void]>([
    ['a changed piece', (path) => writeFileSync(join(path, 'b.json'), '[]')],
    ['a missing piece', (path) => rmSync(join(path, 'b.json'))],
    ['a piece more', (path) => writeFileSync(join(path, 'c.der'), 'x')],
    ['a damaged index', (path) => writeFileSync(join(path, COLLATERAL_INDEX), '{}')],
    ['an index with pieces', (path) => writeFileSync(join(path, COLLATERAL_INDEX), packCollateral(bundle))],
  ])('with %s is refused', async (_what, change) => {
    await writeCollateral(folder, bundle)
    change(folder)
    await expect(readCollateral(folder)).rejects.toMatchObject(refused)
  })

  it('that nobody indexed is taken as it is: verifiers prove every piece', async () => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'ask_ark.pem'), 'x')
    mkdirSync(join(folder, 'more'))
    expect(await readCollateral(folder)).toEqual({ fetchedAt: null, pieces: { 'ask_ark.pem': utf8('x') } })
  })

  it('is read without what is hidden, such as what an interrupted run left', async () => {
    await writeCollateral(folder, bundle)
    writeFileSync(join(folder, '.a.der.1'), 'x')
    expect(await readCollateral(folder)).toEqual(bundle)
    expect(await readFolder(folder)).toEqual(bundle.pieces)
  })

  it('leaves nothing behind when a piece cannot be written', async () => {
    mkdirSync(join(folder, 'a.der', 'in the way'), { recursive: true })
    writeFileSync(join(folder, COLLATERAL_INDEX), '')
    await expect(writeCollateral(folder, bundle)).rejects.toThrow()
    expect(readdirSync(folder)).toEqual(['a.der'])
  })

  it('is not read to its end when it is larger than all that evidence needs', async () => {
    mkdirSync(folder, { recursive: true })
    for (let i = 0; i < 60; i++) sparse(join(folder, `p${i}`), 4 * 1024 * 1024)
    const before = process.memoryUsage().arrayBuffers
    await expect(readCollateral(folder)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('holds too much'),
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(128 * 1024 * 1024)
  })

  it('may not hold too much', async () => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'huge'), new Uint8Array(4 * 1024 * 1024 + 1))
    await expect(readCollateral(folder)).rejects.toMatchObject(refused)
    rmSync(join(folder, 'huge'))
    for (let i = 0; i < 130; i++) writeFileSync(join(folder, `p${i}`), '')
    await expect(readCollateral(folder)).rejects.toMatchObject(refused)
  })

  it('does not lead elsewhere', async () => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(directory, 'secret'), 'secret')
    symlinkSync(join(directory, 'secret'), join(folder, 'a.der'))
    expect((await readCollateral(folder)).pieces).toEqual({})
  })
})

describe('a packed file', () => {
  it('gives back what was packed', async () => {
    const path = join(directory, 'packed.json')
    writeFileSync(path, packCollateral(bundle))
    expect(await readCollateral(path)).toEqual(bundle)
    expect(readFileSync(path, 'utf8')).toMatch(/^\{"digests":/)
  })

  it('that is not there, or is something else, is refused', async () => {
    await expect(readCollateral(join(directory, 'none'))).rejects.toMatchObject(refused)
    writeFileSync(join(directory, 'text'), 'hello')
    await expect(readCollateral(join(directory, 'text'))).rejects.toMatchObject(refused)
  })
})
