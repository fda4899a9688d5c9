import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type ContainerEngine,
  createContainerEngine,
  type JobInputs,
  runContainer,
  unmeasuredContainerProgram,
} from '../../../src/room/container/index.ts'
import { calledWith, hostRun } from './hosted.ts'
import { file, ramFile } from './layouts.ts'
import { imageWith, perl, run, shell, taskOf, whyNoContainer } from './real-image.ts'

const MEBIBYTE = 2 ** 20
const inputs = (...entries: [string, Uint8Array | Uint8Array[]][]): JobInputs => new Map(entries)

/** What is left of anything on this machine. */
function leftovers(): {
  memory: string[]
  folders: string[]
  mounts: string
  held: number
  descriptors: number
} {
  const links = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      // The one that lists them.
      return []
    }
  })
  return {
    // Databases that other tests run have files there too.
    memory: readdirSync('/dev/shm').filter((name) => !name.startsWith('PostgreSQL.')),
    folders: readdirSync(tmpdir()).filter(
      (name) => name.startsWith('sotto-engine-') && name.includes(`-${process.pid}-`),
    ),
    mounts: readFileSync('/proc/self/mountinfo', 'latin1'),
    held: links.filter((link) => link.startsWith('/dev/shm/')).length,
    descriptors: links.length,
  }
}

describe.skipIf((await whyNoContainer()) !== undefined)('a container', { timeout: 30_000 }, () => {
  let engine: ContainerEngine
  beforeAll(async () => {
    engine = await createContainerEngine({ program: unmeasuredContainerProgram(), require: 'best-effort' })
  }, 30_000)
  afterAll(() => engine.close())

  describe('that is cancelled', () => {
    const cancelled = { code: 'ROOM_CONTAINER_CANCELLED', action: 'retry' }

    it('before it starts is not started', async () => {
      await expect(run(engine, shell(''), { signal: AbortSignal.abort() })).rejects.toMatchObject(cancelled)
    })

    it('while it runs is gone with all that it started', async () => {
      const word = `cancel-${process.pid}-${Date.now()}`
      const abort = new AbortController()
      const running = run(engine, [...perl('fork; fork; sleep 1000 while 1'), word], { signal: abort.signal })
      const outcome = expect(running).rejects.toMatchObject(cancelled)
      await vi.waitFor(() => expect(calledWith(word).length).toBeGreaterThanOrEqual(4), 20_000)
      abort.abort()
      await outcome
      expect(calledWith(word)).toEqual([])
    })

    it('while its image or an input does not come does not wait for it', async () => {
      const { tar, manifest } = imageWith()
      const task = taskOf(manifest, shell(''))
      let asked: () => void = () => undefined
      const silent: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]: () => ({ next: () => (asked(), new Promise<never>(() => undefined)) }),
      }
      for (const part of [
        { image: silent, inputs: inputs() },
        { image: ramFile(tar), inputs: new Map([['a', silent]]) },
      ]) {
        const abort = new AbortController()
        asked = () => abort.abort()
        await expect(
          runContainer(engine, { task, ...part, maxOutputBytes: 10, signal: abort.signal }),
        ).rejects.toMatchObject(cancelled)
      }
    })
  })

  it('throws what an input throws, and starts nothing', async () => {
    const { tar, manifest } = imageWith()
    const word = `input-${process.pid}-${Date.now()}`
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a')
      throw new Error('the input broke')
    }
    const task = taskOf(manifest, [...shell('while :; do :; done'), word])
    await expect(
      runContainer(engine, {
        task,
        image: ramFile(tar),
        inputs: new Map([['a', broken()]]),
        maxOutputBytes: 10,
      }),
    ).rejects.toThrow('the input broke')
    expect(calledWith(word)).toEqual([])
  })

  it('leaves nothing behind, however it ends: no file, folder, mount, process or descriptor', async () => {
    const { tar } = imageWith()
    const image = { ...imageWith(), tar }
    const refused = imageWith([file('../x')])
    await run(engine, shell('echo x'), { image })
    const before = leftovers()
    const word = `left-${process.pid}-${Date.now()}`
    const limits = { memoryBytes: 64 * MEBIBYTE, seconds: 1 }
    const runs = [
      () => run(engine, [...shell('echo x > /tmp/x; echo y'), word]),
      () => run(engine, [...shell('exit 1'), word]),
      () => run(engine, [...perl('fork; sleep 1000 while 1'), word], { task: { limits } }),
      () => run(engine, [...shell('exit 0'), word], { image: refused }),
      () => run(engine, [...shell('exit 0'), word], { task: { manifest: 'a'.repeat(64) } }),
    ]
    for (const one of runs) {
      await one().catch(() => undefined)
      expect(calledWith(word)).toEqual([])
    }
    // The test itself holds the image of each run in memory until it ends.
    const { held, descriptors, ...rest } = leftovers()
    expect({ ...rest, held: held - runs.length, descriptors: descriptors - runs.length }).toEqual(before)
  })

  it('ends with its host, however that ends', async () => {
    const word = `host-${process.pid}-${Date.now()}`
    const mounts = readFileSync('/proc/self/mountinfo', 'latin1')
    const hosted = hostRun([...perl('fork; sleep 1000 while 1'), word], 'same', 60)
    const failed = hosted.printed().catch(() => 'failed')
    // The host has the word among its own arguments.
    await vi.waitFor(() => expect(calledWith(word).length).toBeGreaterThanOrEqual(3), 20_000)
    hosted.process.kill('SIGKILL')
    expect(await failed).toBe('failed')
    await vi.waitFor(() => expect(calledWith(word)).toEqual([]), 10_000)
    expect(readFileSync('/proc/self/mountinfo', 'latin1')).toBe(mounts)
  })
})
