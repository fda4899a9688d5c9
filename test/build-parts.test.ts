import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sourceStamp } from '../scripts/build/freshness.ts'
import { isPartInstalled, ROOMS_PART } from '../scripts/build/parts.ts'

describe('an optional part', () => {
  let root: string
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const isInstalled = (): boolean => isPartInstalled(join(root, ROOMS_PART))
  /** What its installation leaves. */
  function install(lock: string): void {
    const stamp = createHash('sha256').update(lock).update(process.arch).digest('hex')
    write(`${ROOMS_PART}/node_modules/.sotto-stamp`, stamp)
  }

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sotto-parts-'))
    for (const file of [
      'package-lock.json',
      'tsconfig.json',
      'scripts/build.ts',
      'scripts/build/a.ts',
      'scripts/console/a.ts',
      'packages/console/index.html',
      'packages/console/icon.svg',
      'packages/a/src/a.ts',
      `${ROOMS_PART}/package-lock.json`,
    ])
      write(file, 'first')
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('is installed when its packages are those of its lock file', () => {
    expect(isInstalled()).toBe(false)
    install('first')
    expect(isInstalled()).toBe(true)
    write(`${ROOMS_PART}/package-lock.json`, 'second')
    expect(isInstalled()).toBe(false)
    install('second')
    expect(isInstalled()).toBe(true)
  })

  it('makes a build stale when it was installed since, and so does another lock file', () => {
    const before = sourceStamp(root)
    expect(sourceStamp(root)).toBe(before)
    install('first')
    const after = sourceStamp(root)
    expect(after).not.toBe(before)
    write(`${ROOMS_PART}/package-lock.json`, 'second')
    const other = sourceStamp(root)
    expect([before, after]).not.toContain(other)
  })
})
