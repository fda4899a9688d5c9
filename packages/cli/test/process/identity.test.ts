import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { familyOf, identityOf, isRunning, parseIdentity, signalProcess } from '../../src/process/index.ts'

describe('a process', () => {
  it('is itself, and not another one of its number', () => {
    const own = identityOf(process.pid)!
    expect(isRunning(own)).toBe(true)
    expect(identityOf(process.pid)).toEqual(own)
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    expect(own.started).toMatch(new RegExp(`^${boot}/\\d+$`))
    expect(isRunning({ pid: own.pid, started: `${boot}/1` })).toBe(false)
    expect(isRunning({ pid: own.pid, started: own.started.replace(boot, 'an earlier boot') })).toBe(false)
  })

  it.each([0, 1, -1, 1.5, Number.NaN, 2 ** 31])('of number %d is nobody', (pid) => {
    expect(identityOf(pid)).toBe(undefined)
    expect(familyOf(pid)).toEqual([])
  })

  it('has ended once it is killed, whether somebody has collected it or not', async () => {
    // The shell becomes a program that never waits for its child.
    const parent = spawn('/bin/sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: 'pipe' })
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const child = identityOf(Number(line.toString()))!
    expect(familyOf(parent.pid!).map(({ pid }) => pid)).toEqual([parent.pid, child.pid])
    signalProcess({ ...child, started: 'an earlier boot/1' }, 'SIGKILL')
    expect(isRunning(child)).toBe(true)
    signalProcess(child, 'SIGKILL')
    await vi.waitFor(() => expect(isRunning(child)).toBe(false), { timeout: 10_000 })
    expect(readFileSync(`/proc/${child.pid}/stat`, 'latin1')).toContain(') Z ')
    signalProcess(child, 'SIGKILL')
    parent.kill('SIGKILL')
  })

  it.each(['', '42', '{"pid":42}', '{"pid":"42","started":"x"}', '{"pid":4.2,"started":"x"}', 'null', '{'])(
    'is not named by %j',
    (text) => expect(parseIdentity(text)).toBe(undefined),
  )
})
