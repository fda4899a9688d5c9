import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeNew, writeWhole } from '../../src/node/index.ts'

let directory = ''
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'sotto-write-'))))
afterEach(() => rmSync(directory, { recursive: true }))

describe('files written whole', () => {
  it('replace what was there, or not, and leave nothing else in the folder', async () => {
    const file = join(directory, 'file')
    await writeNew(file, 'one')
    await expect(writeNew(file, 'two')).rejects.toMatchObject({ code: 'EEXIST' })
    expect(readFileSync(file, 'utf8')).toBe('one')
    await writeWhole(file, 'three', 0o644)
    expect(readFileSync(file, 'utf8')).toBe('three')
    expect(readdirSync(directory)).toEqual(['file'])
  })

  it('are of one writer only, where several make the same new file at once', async () => {
    const file = join(directory, 'key')
    const writers = Array.from({ length: 8 }, (_, n) => writeNew(file, `${n}`).then(() => `${n}`))
    const settled = await Promise.allSettled(writers)
    const won = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(won).toEqual([readFileSync(file, 'utf8')])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(directory)).toEqual(['key'])
  })

  it('fail in a folder that is not there', async () => {
    for (const write of [writeNew, writeWhole])
      await expect(write(join(directory, 'no', 'file'), '')).rejects.toMatchObject({ code: 'ENOENT' })
    writeFileSync(join(directory, 'plain'), '')
    await expect(writeWhole(join(directory, 'plain', 'file'), '')).rejects.toMatchObject({ code: 'ENOTDIR' })
    expect(readdirSync(directory)).toEqual(['plain'])
  })
})
