import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '@sotto/protocol/bytes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import type { EngineHost } from '../../../src/engines/index.ts'
import { openRealHost } from '../../engines/real-engines.ts'
import { ALICE, OwnedWorld } from './world.ts'

let host: EngineHost
beforeAll(async () => {
  host = await openRealHost()
})
afterAll(() => host.close())

/** Weights that are found again: JSON does not mind the white space, and nothing else has it. */
const MARKER = '\t \n\t\t  \n \t \t\n\n \t\t \n  \t\t\n \n\t'
const WEIGHTS: Uint8Array = utf8(
  `{"algorithm":"hash-embedding",${MARKER}"dimensions":64,"ngrams":[3],"spread":4}`,
)

/** Processes that this one started, and theirs. */
function descendants(pid: number = process.pid): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return children.flatMap((child) => [child, ...descendants(child)])
}

/** Files with a name that somebody wrote since then, below these folders, that hold the weights. */
function filesWithWeights(folders: string[], since: number): string[] {
  const words = [...new Set(folders), '-maxdepth', '3', '-xdev', '-type', 'f', '-newermt', `@${since}`]
  // Others' folders come and go meanwhile, for which it says that it failed.
  const { stdout } = spawnSync('find', [...words, '-size', '-65536k'], { encoding: 'utf8' })
  return stdout
    .split('\n')
    .filter(Boolean)
    .filter((file) => {
      try {
        return readFileSync(file).includes(MARKER)
      } catch {
        return false
      }
    })
}

test(
  claim(
    ['owner.models', 'see.stores', 'see.gateway'],
    'weights are in memory only: no file of any process has them, and none of them can leave a core dump',
  ),
  { timeout: 60_000 },
  async () => {
    const since = Math.floor(Date.now() / 1000) - 1
    const world = new OwnedWorld()
    world.host = host
    const models = world.open()
    const name = await world.publish(ALICE, 'bear', 1, { content: WEIGHTS })
    const model = await models.find(name)
    const { vectors } = await model!.embed!({ inputs: ['two words'] }, new AbortController().signal)
    expect(vectors[0]).toHaveLength(64)
    const engines = descendants()
    expect(engines.length).toBeGreaterThan(0)
    const folders = [
      tmpdir(),
      '/tmp',
      '/dev/shm',
      '/var/tmp',
      ...engines.map((pid) => readlinkSync(`/proc/${pid}/cwd`)),
    ]
    for (const pid of engines)
      expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/Max core file size\s+0\s+0/)
    // The search finds what there is.
    const proof = join(tmpdir(), `sotto-marker-${process.pid}`)
    writeFileSync(proof, WEIGHTS)
    expect(filesWithWeights(folders, since)).toContain(proof)
    rmSync(proof)
    expect(
      filesWithWeights(
        folders.filter((folder) => statSync(folder).isDirectory()),
        since,
      ),
    ).toEqual([])
    // They are somewhere: in a file without a name, in RAM, that engines can read and not change.
    const open = engines.flatMap((pid) =>
      readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
        try {
          return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('/dev/shm/')
            ? [`/proc/${pid}/fd/${fd}`]
            : []
        } catch {
          return []
        }
      }),
    )
    expect(open.length).toBeGreaterThan(0)
    expect(open.some((file) => readFileSync(file).includes(MARKER))).toBe(true)
    await models.close()
    expect(descendants()).toEqual([])
  },
)

test('a file that turns out to be wrong at its very end: the engine that waits for it never loads it', async () => {
  const world = new OwnedWorld()
  world.host = host
  const models = world.open()
  const name = await world.publish(ALICE, 'bear', 1, { statement: { digest: 'ee'.repeat(32) } })
  world.files.set('ee'.repeat(32), [...world.files.values()][0]!)
  await expect(models.find(name)).rejects.toMatchObject({ code: 'OWNED_MODEL_REFUSED' })
  expect(descendants()).toEqual([])
})

test('a registry that stops in the middle: nothing of it stays', async () => {
  const world = new OwnedWorld()
  world.host = host
  const models = world.open()
  const name = await world.publish(ALICE, 'bear')
  world.onRead = () => {
    throw Object.assign(new Error('gone'), { code: 'OWNED_MODEL_UNREACHABLE' })
  }
  await expect(models.find(name)).rejects.toMatchObject({ code: 'OWNED_MODEL_UNREACHABLE' })
  expect(descendants()).toEqual([])
})
