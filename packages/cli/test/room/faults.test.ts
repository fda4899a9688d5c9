import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type * as node from '../../../client/src/node/index.ts'
import { writePrivate } from '../../src/room/output-files.ts'
import { agree, createParties, current, meet, type Parties } from './parties.ts'

/** What goes wrong with the next write of a file whose name ends so: before it is there, or after. */
const fault: { of: string; when: 'before' | 'after' | undefined } = { of: '', when: undefined }

vi.mock('../../src/service/open.ts', async (original) => ({
  ...(await original<object>()),
  openService: async () => current.world!.sotto(),
}))
vi.mock('@sotto/client/node', async (original) => {
  const real = await original<typeof node>()
  const failing =
    (write: typeof node.writeNew): typeof node.writeNew =>
    async (file, ...more) => {
      const when = file.endsWith(fault.of) ? fault.when : undefined
      if (when !== undefined) fault.when = undefined
      if (when !== 'before') await write(file, ...more)
      if (when !== undefined) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    }
  return { ...real, writeNew: failing(real.writeNew), writeWhole: failing(real.writeWhole) }
})

let parties: Parties
beforeEach(async () => {
  parties = await createParties()
  fault.when = undefined
})
afterEach(() => parties.clear())

const roomJson = (): string => join(parties.bank.cwd, 'config/rooms/offers/room.json')
const init = (): ReturnType<Parties['bank']['sotto']> => parties.bank.sotto('room init offers --as bank')

describe('a write of the secret of a room', () => {
  it.each(['before', 'after'] as const)(
    'that fails %s it is there ends the command, and the next one goes on',
    async (when) => {
      Object.assign(fault, { of: 'room.json', when })
      const first = await init()
      expect([first.code, first.stdout, first.stderr]).toEqual([2, '', expect.stringContaining('[CLI_FILE]')])
      // Nothing was opened for a secret that may be lost.
      expect(parties.world.board.asked).toEqual([])
      const second = await init()
      expect(second.code).toBe(0)
      const { invitation } = JSON.parse(readFileSync(roomJson(), 'utf8')) as { invitation: string }
      expect(second.stdout.trim()).toBe(invitation)
    },
  )

  it.each(['before', 'after'] as const)(
    'as joined, that fails %s it is there, costs no second membership',
    async (when) => {
      // The first write keeps the secret; the second one notes that this party joined.
      const { board } = parties.world
      const { fetch } = board
      board.fetch = async (...request) => {
        Object.assign(fault, { of: 'room.json', when })
        board.fetch = fetch
        return fetch(...request)
      }
      expect((await init()).code).toBe(2)
      const said = board.messages.length
      const second = await init()
      // Where it was noted after all, the room is there, and nothing has to be gone on with.
      expect(second.code).toBe(when === 'after' ? 2 : 0)
      expect(board.messages).toHaveLength(said)
      expect((await parties.bank.sotto('room status')).code).toBe(0)
    },
  )
})

describe('a write of a result', () => {
  it.each(['before', 'after'] as const)(
    'or its proof that fails %s it is there is done by the next command',
    async (when) => {
      await meet(parties)
      await agree(parties)
      const { run } = await parties.bank.json<{ run: string }>('room run count --set least=3 --once')
      await parties.retailer.json(`room vote ${run} yes --yes`)
      await parties.bank.json(`room run --go ${run}`)
      for (const of of ['counted', `${run}.json`]) {
        Object.assign(fault, { of, when })
        const failed = await parties.retailer.sotto(`room outputs --out ${of.slice(0, 7)}`)
        expect([failed.code, failed.stderr]).toEqual([2, expect.stringContaining('[CLI_FILE]')])
        expect((await parties.retailer.sotto(`room outputs --out ${of.slice(0, 7)}`)).code).toBe(0)
        expect(readFileSync(join(parties.retailer.cwd, of.slice(0, 7), run.slice(0, 12), 'counted'))).toEqual(
          Buffer.from(parties.world.result),
        )
        rmSync(join(parties.retailer.cwd, 'config/rooms/offers/proofs'), { recursive: true })
      }
    },
  )

  it('leaves nothing half written, and says where it cannot write', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-outputs-'))
    try {
      Object.assign(fault, { of: 'result', when: 'before' })
      await expect(writePrivate(folder, 'result', Uint8Array.of(1))).rejects.toMatchObject({
        code: 'CLI_FILE',
      })
      expect(readdirSync(folder)).toEqual([])
      writeFileSync(join(folder, 'file'), '')
      await expect(writePrivate(join(folder, 'file'), 'result', Uint8Array.of(1))).rejects.toMatchObject({
        code: 'CLI_FILE',
      })
      expect(existsSync(join(folder, 'file', 'result'))).toBe(false)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
