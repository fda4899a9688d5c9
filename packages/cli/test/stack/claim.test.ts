import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { identityOf } from '../../src/process/index.ts'
import { claimStack, readClaim, releaseClaim } from '../../src/stack/claim.ts'

const own = identityOf(process.pid)!
const parent = identityOf(process.ppid)!
let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'sotto-claim-'))))
afterEach(() => rmSync(folder, { recursive: true }))
const write = (content: string): void => writeFileSync(join(folder, 'supervisor.pid'), content)

describe('the claim to a folder', () => {
  it('is held by one process until it gives it back', async () => {
    const release = await claimStack(folder, parent)
    expect(await readClaim(folder)).toEqual(parent)
    await expect(claimStack(folder, own)).rejects.toMatchObject({ code: 'STACK_RUNNING' })
    await releaseClaim(folder, own)
    expect(await readClaim(folder)).toEqual(parent)
    await release()
    expect(await readClaim(folder)).toBe(undefined)
    await claimStack(folder, own)
    expect(readdirSync(folder)).toEqual(['supervisor.pid'])
  })

  it('can be made for a process before it makes it itself', async () => {
    await claimStack(folder, own)
    const release = await claimStack(folder, own)
    await release()
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    [
      'by a process whose number is reused',
      JSON.stringify({ pid: process.ppid, started: 'an earlier boot/1' }),
    ],
    ['by a process that has gone', JSON.stringify({ pid: 2 ** 22 + 1, started: parent.started })],
    ['by a bare number', String(process.ppid)],
    ['by nobody', ''],
  ])('left %s is taken over', async (_, content) => {
    write(content)
    expect(await readClaim(folder)).toBe(undefined)
    await claimStack(folder, own)
    expect(await readClaim(folder)).toEqual(own)
    expect(readdirSync(folder)).toEqual(['supervisor.pid'])
  })
})
