import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { claim } from '../../claims.ts'
import { CANARIES, canariesIn } from './support/canaries.ts'
import { outcomeOf } from './support/attack.ts'
import { PartyScene } from './support/party-scene.ts'

const SHARED_MEMORY = '/dev/shm'

let temporary: string
let scene: PartyScene
/** Everything that runs said, whether they ended well or not. */
const said: string[] = []

/** Files below a folder that this process may read, by their path. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

beforeAll(async () => {
  temporary = mkdtempSync('/var/tmp/sotto-leaks-')
  vi.stubEnv('TMPDIR', temporary)
  scene = await PartyScene.open()
  said.push(JSON.stringify([scene.first.views, scene.second.views]))
  said.push(await failedRun(), await cancelledRun(), await refusedRun())
})

afterAll(async () => {
  await scene?.close()
  vi.unstubAllEnvs()
  rmSync(temporary, { recursive: true })
})

/** A run that is charged, and whose letters are then not what its owner stated. */
async function failedRun(): Promise<string> {
  const { atBank, atShop, named, members } = scene
  const other = { 'letters.txt': new Blob([`${CANARIES.swapped} ${'is another letter. '.repeat(9)}`]) }
  const { run } = await atShop.ask(named, { transform: 'summary' })
  await atBank.consent(named, (await atBank.state()).runs.get(run)!)
  await atBank.add(named, { input: 'letters', files: other })
  const view = await atShop.begin(named, (await atShop.state()).runs.get(run)!)
  expect(view).toMatchObject({ state: 'failed', failure: { rule: 'data-statement' } })
  return JSON.stringify([view, members.lab.refused])
}

async function cancelledRun(): Promise<string> {
  const { atShop, named } = scene
  const asked = await atShop.ask(named, { transform: 'summary' })
  return JSON.stringify(await atShop.cancel(named, asked.run))
}

async function refusedRun(): Promise<string> {
  const { atShop, named } = scene
  const { words } = await outcomeOf(() =>
    atShop.ask(named, { transform: 'summary', template: CANARIES.letter }),
  )
  return words
}

describe(
  claim('rooms.sealed', 'words of inputs, after runs that ended well, failed, and were refused'),
  () => {
    it('are found where they belong: with the receiver', async () => {
      const [output] = await scene.atShop.outputs(scene.named, scene.second)
      expect(canariesIn(output!.content)).toContain(CANARIES.letter)
      expect(canariesIn(Buffer.from(`x${CANARIES.other}`).toString('base64'))).toEqual([CANARIES.other])
    })

    it('are not with whoever keeps the board', () => {
      const files = filesBelow(scene.members.folder)
      expect(files.length).toBeGreaterThan(0)
      expect(files.filter((path) => canariesIn(readFileSync(path)).length > 0)).toEqual([])
    })

    it('have not passed the gateway', () => {
      expect(scene.members.passed.length).toBeGreaterThan(20)
      expect(scene.members.passed.flatMap((bytes) => canariesIn(bytes))).toEqual([])
    })

    it('are not in the log', () => {
      const { entries } = scene.lab.world.log
      expect(entries.length).toBeGreaterThan(10)
      expect(entries.flatMap((entry) => canariesIn(entry))).toEqual([])
    })

    it('are in nothing that a run says of how it ended', () => {
      expect(said).toHaveLength(4)
      expect(said.flatMap((words) => canariesIn(words))).toEqual([])
    })

    it('are in no temporary file', () => {
      expect(filesBelow(temporary).filter((path) => canariesIn(readFileSync(path)).length > 0)).toEqual([])
    })

    it('are in no file in memory that has a name, and no descriptor of one is still open', () => {
      for (const path of readdirSync(SHARED_MEMORY).map((name) => join(SHARED_MEMORY, name)))
        expect(canariesIn(contentOf(path))).toEqual([])
      const open = readdirSync('/proc/self/fd').map((fd) => targetOf(`/proc/self/fd/${fd}`))
      expect(open.filter((target) => target.startsWith(SHARED_MEMORY))).toEqual([])
    })
  },
)

/** Nothing where it is another user's, a folder, or gone by now. */
function contentOf(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch {
    return new Uint8Array()
  }
}

function targetOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
