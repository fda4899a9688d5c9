import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileStorage } from '../../src/node/index.ts'

let directory = ''
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'sotto-storage-'))))
afterEach(() => rmSync(directory, { recursive: true }))

describe('fileStorage', () => {
  it('keeps values between instances, whole and private', async () => {
    const path = join(directory, 'deep', 'state')
    expect(await fileStorage(path).get('checkpoint a')).toBeUndefined()
    await fileStorage(path).set('checkpoint a', 'one')
    await fileStorage(path).set('checkpoint a', 'two')
    await fileStorage(path).set('../../checkpoint b', 'three')
    expect(await fileStorage(path).get('checkpoint a')).toBe('two')
    expect(await fileStorage(path).get('../../checkpoint b')).toBe('three')
    const files = readdirSync(path)
    expect(files).toHaveLength(2)
    expect(statSync(join(path, files[0]!)).mode & 0o777).toBe(0o600)
    expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  it('fails rather than forgets when it cannot read', async () => {
    const storage = fileStorage(join(directory, 'a'))
    await storage.set('key', 'value')
    const file = readdirSync(join(directory, 'a'))[0]!
    rmSync(join(directory, 'a', file))
    mkdirSync(join(directory, 'a', file))
    await expect(storage.get('key')).rejects.toThrow('EISDIR')
  })

  it('leaves nothing behind when it cannot write', async () => {
    const path = join(directory, 'a')
    const storage = fileStorage(path)
    await storage.set('key', 'value')
    const file = readdirSync(path)[0]!
    rmSync(join(path, file))
    mkdirSync(join(path, file, 'in the way'), { recursive: true })
    await expect(storage.set('key', 'value')).rejects.toThrow()
    expect(readdirSync(path)).toEqual([file])
  })
})
