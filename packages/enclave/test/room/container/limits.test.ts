import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import {
  type ContainerEngine,
  createContainerEngine,
  type JobInputs,
  unmeasuredContainerProgram,
} from '../../../src/room/container/index.ts'
import { calledWith } from './hosted.ts'
import { perl, run, SAY, whyNoContainer } from './real-image.ts'

/** mknodat(2) (`asm/unistd.h`). */
const MKNODAT = process.arch === 'x64' ? 259 : 33
const MEBIBYTE = 2 ** 20
const inputs = (...entries: [string, Uint8Array | Uint8Array[]][]): JobInputs => new Map(entries)
const failure = (code: string): object => expect.objectContaining({ code: `ROOM_CONTAINER_${code}` })

describe.skipIf((await whyNoContainer()) !== undefined)('a container', { timeout: 30_000 }, () => {
  let engine: ContainerEngine
  beforeAll(async () => {
    engine = await createContainerEngine({ program: unmeasuredContainerProgram(), require: 'best-effort' })
  }, 30_000)
  afterAll(() => engine.close())

  describe(claim('rooms.code', 'that takes more than it may'), () => {
    it('makes no more processes than its number, and all of them end', async () => {
      const word = `bomb-${process.pid}-${Date.now()}`
      const code = `${SAY} my $n = 0; while (defined(my $p = fork)) { if (!$p) { close STDOUT; sleep 100 } $n++; last if $n > 2000 } print $n`
      const count = Number(await run(engine, [...perl(code), word]))
      expect(count).toBeGreaterThan(100)
      expect(count).toBeLessThan(512)
      expect(calledWith(word)).toEqual([])
    })

    it('is ended at its limit of memory, in one process or in many', async () => {
      const limits = { memoryBytes: 96 * MEBIBYTE, seconds: 20 }
      const one = perl('my $x = "x" x (512 * 2 ** 20); sleep 100')
      await expect(run(engine, one, { task: { limits } })).rejects.toMatchObject({
        code: expect.stringMatching(/^ROOM_CONTAINER_(?:MEMORY|ENDED)$/),
      })
      const word = `hog-${process.pid}-${Date.now()}`
      const many = perl(
        'for (1 .. 8) { if (!fork) { my $n = 40 * 2 ** 20; my $x = "x" x $n; sleep 100; exit } } sleep 100',
      )
      await expect(run(engine, [...many, word], { task: { limits } })).rejects.toEqual(failure('MEMORY'))
      const kept = perl(
        'open(F, ">", "/tmp/x"); print F "x" x 2 ** 20 for 1 .. 95; $n = 40 * 2 ** 20; $y = "y" x $n; sleep 100',
      )
      await expect(run(engine, [...kept, word], { task: { limits } })).rejects.toEqual(failure('MEMORY'))
      expect(calledWith(word)).toEqual([])
    })

    it('is ended at its limit of time, with all that it started', async () => {
      const word = `sleep-${process.pid}-${Date.now()}`
      const code =
        '$SIG{$_} = "IGNORE" for qw(TERM INT HUP); if (!fork) { POSIX::setsid() if 0; if (!fork) { sleep 1000 while 1 } exit } sleep 1000 while 1'
      const started = performance.now()
      await expect(
        run(engine, [...perl(code), word], { task: { limits: { memoryBytes: 256 * MEBIBYTE, seconds: 1 } } }),
      ).rejects.toMatchObject({
        code: 'ROOM_CONTAINER_TIMEOUT',
        action: 'fix-input',
        expected: 'at most 1 s',
      })
      expect(performance.now() - started).toBeLessThan(15_000)
      expect(calledWith(word)).toEqual([])
    })

    it('keeps no more in /out and /tmp than it may', async () => {
      const code = (path: string) =>
        `open(F, ">", "${path}"); my $n = 0; while (syswrite(F, "x" x 65536)) { $n++; last if $n > 4096 } close F; unlink "${path}"; ${SAY} print $n`
      expect(Number(await run(engine, perl(code('/out/big'))))).toBeLessThanOrEqual(2)
      const limits = { memoryBytes: 8 * MEBIBYTE, seconds: 20 }
      expect(Number(await run(engine, perl(code('/tmp/big')), { task: { limits } }))).toBeLessThanOrEqual(128)
    })
  })

  it.each<[string, string, string]>([
    ['nothing', 'exit 0', 'nothing'],
    ['more than the contract allows', 'open(F, ">", "/out/result"); print F "x" x 1001', 'a larger file'],
    ['a hole that is too large', 'open(F, ">", "/out/result"); truncate F, 2 ** 40', 'a larger file'],
    ['a link to an input', 'symlink "/in/a", "/out/result"', 'no regular file'],
    ['a link to a file of the machine', 'symlink "/etc/passwd", "/out/result"', 'no regular file'],
    ['a folder', 'mkdir "/out/result"', 'no regular file'],
    ['a pipe', `my $path = "/out/result"; syscall(${MKNODAT}, -100, $path, 010666, 0)`, 'no regular file'],
    ['a socket', 'socket(S, 1, 1, 0); bind(S, pack("Sa*", 1, "/out/result"))', 'no regular file'],
  ])('leaves %s, and nothing of it is taken', async (_, code, found) => {
    const command = perl(code)
    const given = inputs(['a', Buffer.from('secret')])
    await expect(run(engine, command, { inputs: given, maxOutputBytes: 1000 })).rejects.toMatchObject({
      code: 'ROOM_CONTAINER_OUTPUT',
      found,
    })
  })

  it('leaves as much as the contract allows, or an empty file', async () => {
    const leave = (bytes: number) =>
      run(engine, perl(`${SAY} print "x" x ${bytes}`), { maxOutputBytes: 1000 })
    expect(await leave(1000)).toHaveLength(1000)
    expect(await leave(0)).toBe('')
  })
})
