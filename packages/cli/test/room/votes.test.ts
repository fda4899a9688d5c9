import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { encodeContract, parseContract } from '@sotto/protocol/contract'
import type { RunView } from '@sotto/protocol/room'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { joinedMessage, openBoard, parseInvitation, roomParty } from '../../../client/src/rooms/index.ts'
import { agree, createParties, current, meet, type Parties, sharedDraft } from './parties.ts'

vi.mock('../../src/service/open.ts', async (original) => ({
  ...(await original<object>()),
  openService: async () => current.world!.sotto(),
}))

let parties: Parties
let invitation: string
beforeEach(async () => {
  parties = await createParties()
  invitation = await meet(parties)
})
afterEach(() => parties.clear())

const REVIEWED = (draft: { inputs: Record<string, Record<string, unknown>> }): void => {
  draft.inputs['purchases']!['rules'] = { receivers: ['bank', 'retailer'], review: true }
}

async function proposed(): Promise<string> {
  parties.bank.write('draft.yaml', sharedDraft())
  return (await parties.bank.json<{ contract: string }>('room propose draft.yaml')).contract
}

/** Asks for a run of the bank's, which the retailer has to consent to. */
async function asked(): Promise<string> {
  const { run } = await parties.bank.json<{ run: string }>(
    'room run count --set least=3 --once --note November',
  )
  return run
}

/** What any member can post of a run. */
async function tell(view: RunView): Promise<void> {
  const board = openBoard(parseInvitation(invitation), { fetch: parties.world.board.fetch })
  await board.post({ kind: 'view', at: parties.world.now(), view })
}

describe('sotto room propose', () => {
  it('shows a contract with the keys of members and the image of the verified room, and binds nobody', async () => {
    parties.bank.write('draft.yaml', sharedDraft())
    const { code, stdout, stderr } = await parties.bank.sotto('room propose draft.yaml')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}bank +(?:[0-9a-f]{4} ?){8} {2}\(you\)$/m)
    expect(stdout).toContain(`in a room of image ${parties.world.image}`)
    expect(stdout).toContain('SELECT count(*) AS n FROM customers JOIN purchases USING (customer)')
    expect(stderr).toMatch(/every party signs it, you too: sotto room vote [0-9a-f]{12} yes/)
    expect(parties.world.held.size).toBe(0)
  })

  it('draws another salt each time, so that two proposals are two contracts', async () => {
    expect(await proposed()).not.toBe(await proposed())
  })

  it('refuses a draft with somebody who has not joined, and posts nothing', async () => {
    const before = parties.world.board.messages.length
    parties.bank.write(
      'draft.yaml',
      sharedDraft((draft) => draft.parties.push('shop')),
    )
    const { code, stderr } = await parties.bank.sotto('room propose draft.yaml')
    expect([code, stderr]).toEqual([2, expect.stringMatching(/shop is no member[^]*bank, retailer/)])
    expect(parties.world.board.messages).toHaveLength(before)
  })

  it('checks a draft without a service, and says all of it', async () => {
    parties.bank.write('draft.yaml', sharedDraft())
    const { code, stdout } = await parties.bank.sotto('room draft check draft.yaml', {
      env: { SOTTO_HOST: '', SOTTO_POLICY: '' },
    })
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/counted of count, at most 64\.0 KiB, for retailer/),
    ])
    const json = await parties.bank.json<{ ok: boolean }>('room draft check draft.yaml')
    expect(json.ok).toBe(true)
    parties.bank.write('draft.yaml', 'title: 1')
    const bad = await parties.bank.sotto('room draft check draft.yaml')
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('[ROOM_DRAFT]')])
  })
})

describe('sotto room vote on a contract', () => {
  it('shows it, asks at a terminal, and signs on yes alone', async () => {
    const contract = await proposed()
    const vote = (typed: string) =>
      parties.bank.sotto(`room vote ${contract.slice(0, 6)} yes`, {
        stdin: [typed],
        stdinTerminal: true,
        stderrTerminal: true,
      })
    const no = await vote('n\n')
    expect([no.code, parties.world.held.size]).toEqual([1, 0])
    expect(no.stdout).toContain('title     Counts')
    expect(no.stderr).toContain(`Sign the contract ${contract.slice(0, 12)} (Counts), for good?`)
    const yes = await vote('y\n')
    expect([yes.code, yes.stdout]).toEqual([0, expect.stringMatching(/signed [0-9a-f]{12}: proposed/)])
    expect(parties.world.held.get(contract)!.accepted).toEqual(['bank'])
    expect(yes.stderr).toMatch(/retailer has not signed yet/)
  })

  it('signs nothing without a terminal and without --yes', async () => {
    const contract = await proposed()
    const { code, stderr } = await parties.bank.sotto(`room vote ${contract} yes`)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/pass --yes/)])
    const json = await parties.bank.sotto(`room vote ${contract} yes --json`)
    expect([json.code, json.stdout]).toEqual([2, ''])
    expect(parties.world.held.size).toBe(0)
  })

  it('comes into force with the last signature', async () => {
    const contract = await proposed()
    await parties.bank.json(`room vote ${contract} yes --yes`)
    expect(await parties.retailer.json(`room vote ${contract} yes --yes`)).toMatchObject({
      phase: 'accepted',
      accepted: ['bank', 'retailer'],
      missing: [],
    })
  })

  it('says no by signing nothing, and warns whoever signed before', async () => {
    const contract = await proposed()
    expect((await parties.bank.sotto(`room vote ${contract} no`)).stderr).not.toMatch(/before/)
    await parties.bank.json(`room vote ${contract} yes --yes`)
    const late = await parties.bank.sotto(`room vote ${contract} no`)
    expect([late.code, late.stderr]).toEqual([0, expect.stringMatching(/you signed [^]*withdraw execution/)])
  })

  it.each([
    ['this party', 'bank', /to a key that is not yours/],
    ['another party', 'retailer', /retailer of this contract is not the member/],
  ])('signs none that would seal results for %s to another key', async (_what, name, why) => {
    const contract = await proposed()
    const thief = roomParty(new Uint8Array(32).fill(9)).as(name)
    const secret = parseInvitation(invitation)
    const board = openBoard(secret, { fetch: parties.world.board.fetch })
    const entry = (await Array.fromAsync(board.read())).at(-1) as { message: { contract: string } }
    const { contract: honest } = parseContract(new TextEncoder().encode(entry.message.contract))
    const forged = {
      ...honest,
      parties: honest.parties.map((party) =>
        party.name === name ? { ...party, sealTo: thief.sealTo } : party,
      ),
    }
    const text = encodeContract(forged)
    await board.post({ kind: 'proposed', at: parties.world.now(), contract: fromUtf8(text) })
    const { digest } = parseContract(text)
    const { code, stderr } = await parties.bank.sotto(`room vote ${digest} yes --yes`)
    expect([code, stderr]).toEqual([3, expect.stringMatching(why)])
    expect(stderr).toContain('[ROOM_MEMBER]')
    expect(parties.world.held.size).toBe(0)
    expect(await parties.bank.json<object>(`room vote ${contract} yes --yes`)).toMatchObject({ vote: 'yes' })
  })

  it('signs none with a party whose name another one claims, too', async () => {
    const contract = await proposed()
    const secret = parseInvitation(invitation)
    const thief = roomParty(new Uint8Array(32).fill(9))
    await openBoard(secret, { fetch: parties.world.board.fetch }).post(
      joinedMessage(thief, 'retailer', { board: secret.board, at: 5 }),
    )
    const { code, stderr } = await parties.bank.sotto(`room vote ${contract} yes --yes`)
    expect([code, stderr]).toEqual([3, expect.stringMatching(/two in this room call themselves retailer/)])
    expect(stderr).toContain('[ROOM_MEMBER]')
    expect(parties.world.held.size).toBe(0)
  })

  it('signs none by the beginning of its digest where nobody is asked', async () => {
    const contract = await proposed()
    const { code, stderr } = await parties.bank.sotto(`room vote ${contract.slice(0, 63)} yes --yes`)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/whole digest[^]*room status --json/)])
    expect(parties.world.held.size).toBe(0)
  })

  it.each([
    ['too short', '3f8a9', '[CLI_USAGE]'],
    ['no digits of a digest', 'zzzzzz', '[CLI_USAGE]'],
    ['of nothing', '000000', '[ROOM_ITEM]'],
  ])('refuses a beginning that is %s', async (_what, prefix, code) => {
    await proposed()
    const { stderr } = await parties.bank.sotto(`room vote ${prefix} yes`)
    expect(stderr).toContain(code)
  })

  it.each([
    ['room vote 3f8a91 perhaps', /a vote is yes or no/],
    ['room vote 3f8a91', /say yes or no/],
    ['room vote 3f8a91 yes --show', /--show does not vote/],
    [`room vote 3f8a91 no --reason ${'x'.repeat(257)}`, /--reason is one line/],
  ])('refuses %s', async (line, why) => {
    const { code, stderr } = await parties.bank.sotto(line)
    expect([code, stderr]).toEqual([2, expect.stringMatching(why)])
  })
})

describe('sotto room vote on a run', () => {
  it('shows the verified room, what it computes of which data, and what is left; and then consents', async () => {
    await agree(parties)
    const run = await asked()
    const shown = await parties.retailer.sotto(`room vote ${run} --show`)
    expect(shown.code).toBe(0)
    expect(shown.stdout).toMatch(/room +verified: room-a on software 1234/)
    expect(shown.stdout).toContain(parties.world.image)
    expect(shown.stdout).toMatch(/asked by +bank \(so it says\): November/)
    expect(shown.stdout).toMatch(/\$least = "3"/)
    expect(shown.stdout).toMatch(/purchases: content [0-9a-f]{64}, version 1 of retailer/)
    expect(shown.stdout).toMatch(/purchases for count: 1 run of 100 left/)
    expect(shown.stderr).toMatch(/software TEE/)
    const status = await parties.bank.json<{ runs: { missing: string[] }[] }>('room status')
    expect(status.runs[0]!.missing).toEqual(['retailer'])
    expect(await parties.retailer.json(`room vote ${run} yes --yes`)).toMatchObject({
      vote: 'yes',
      missing: [],
    })
    expect((await parties.retailer.sotto(`room vote ${run} yes --yes`)).stdout).toMatch(
      /consented to [^]* before/,
    )
  })

  it('consents to nothing in a room that does not pass, but can decline it', async () => {
    await agree(parties)
    const run = await asked()
    parties.world.refusesRoom = true
    const { stderr } = await parties.retailer.sotto(`room vote ${run} yes --yes`)
    expect(stderr).toContain('[ROOM_OFFER]')
    await parties.retailer.json(`room vote ${run} no --yes --reason not_SPACE_now`)
    const status = await parties.bank.json<{ runs: { consents: string[]; declined: object[] }[] }>(
      'room status',
    )
    expect(status.runs[0]).toMatchObject({
      consents: ['bank'],
      declined: [{ party: 'retailer', reason: 'not now' }],
    })
  })

  it('says that data are others than their owner states now', async () => {
    await agree(parties)
    const run = await asked()
    parties.retailer.write('purchases.csv', 'customer,spent\nada,4\nbob,5\n')
    await parties.retailer.json('room data add purchases purchases.csv')
    const { stdout } = await parties.retailer.sotto(`room vote ${run} --show`)
    expect(stdout).toMatch(/purchases: content [0-9a-f]{64}, NOT what retailer states now/)
  })

  it('needs no consent of who brings nothing to it', async () => {
    await agree(parties, (draft) => {
      draft.transforms['own'] = {
        reads: ['customers'],
        sql: { templates: { all: { sql: 'SELECT 1 AS n' } }, max_rows: 1 },
      }
      draft.outputs['mine'] = { from: 'own', receivers: ['bank'], max_bytes: 10 }
    })
    const { run } = await parties.bank.json<{ run: string }>('room run own --once')
    const { code, stderr } = await parties.retailer.sotto(`room vote ${run} yes --yes`)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/reads nothing of yours/)])
  })
})

describe('sotto room vote on a result', () => {
  /** A run whose result waits for the retailer. */
  async function waiting(): Promise<string> {
    await agree(parties, REVIEWED)
    const run = await asked()
    await parties.retailer.json(`room vote ${run} yes --yes`)
    const { stderr } = await parties.bank.sotto(`room run --go ${run} --once`)
    expect(stderr).toContain('[ROOM_WAITING]')
    return run
  }

  it('opens it, lets it out, and the receiver has it', async () => {
    const run = await waiting()
    const shown = await parties.retailer.sotto(`room vote ${run} --show`)
    expect([shown.code, shown.stdout]).toEqual([0, fromUtf8(parties.world.result)])
    expect(parties.world.asked).not.toContain('approve')
    expect(await parties.retailer.json(`room vote ${run} yes --result --yes`)).toEqual({
      run,
      vote: 'yes',
      missing: [],
    })
    expect(await parties.bank.json(`room run --go ${run}`)).toMatchObject({ state: 'done', isProven: true })
    const { runs } = await parties.retailer.json<{ runs: { outputs: { file: string }[] }[] }>('room outputs')
    expect(readFileSync(runs[0]!.outputs[0]!.file, 'utf8')).toBe(fromUtf8(parties.world.result))
  })

  it('writes it to a private file, and never over another', async () => {
    const run = await waiting()
    const { outputs } = await parties.retailer.json<{ outputs: { file: string }[] }>(
      `room vote ${run} --show --out look`,
    )
    const { file } = outputs[0]!
    expect(file).toBe(join(parties.retailer.cwd, 'look', run.slice(0, 12), 'counted'))
    expect(statSync(file).mode & 0o777).toBe(0o600)
    parties.retailer.write(`look/${run.slice(0, 12)}/counted`, 'something else')
    const { code } = await parties.retailer.sotto(`room vote ${run} --show --out look`)
    expect([code, readFileSync(file, 'utf8')]).toEqual([2, 'something else'])
  })

  it('is not let out by who cannot have seen it', async () => {
    parties.world.result = Uint8Array.of(0xff, 0xfe)
    const run = await waiting()
    const { code, stderr } = await parties.retailer.sotto(`room vote ${run} yes --result --yes`)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/with --out DIR/)])
    const out = await parties.retailer.sotto(`room vote ${run} yes --result --yes --out look`)
    expect([out.code, out.stdout]).toEqual([0, expect.stringMatching(/let out/)])
  })

  it.each(['yes', 'no'])('is not decided by a %s that may have been meant for the run', async (choice) => {
    const run = await waiting()
    const before = parties.world.board.messages.length
    const { code, stderr } = await parties.retailer.sotto(`room vote ${run} ${choice} --yes`)
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`sotto room vote ${run} ${choice} --result --yes`),
    ])
    expect(parties.world.board.messages).toHaveLength(before)
  })

  it('is what a terminal is asked about, by its name', async () => {
    const run = await waiting()
    const { code, stderr } = await parties.retailer.sotto(`room vote ${run.slice(0, 6)} yes`, {
      stdin: ['y\n'],
      stdinTerminal: true,
      stderrTerminal: true,
    })
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining(`Let the result of ${run.slice(0, 12)} (count of Counts) out to retailer?`),
    ])
  })

  it('waits still where a member posts that the run is done', async () => {
    const run = await waiting()
    await tell({ run, state: 'done', review: [], outputs: [] })
    const { next } = await parties.retailer.json<{ next: { command: string }[] }>('room status')
    expect(next.map(({ command }) => command)).toContain(`sotto room vote ${run.slice(0, 12)} --show`)
    expect(await parties.retailer.json(`room vote ${run} yes --result --yes`)).toMatchObject({ vote: 'yes' })
    expect(await parties.bank.json(`room run --go ${run}`)).toMatchObject({ state: 'done', isProven: true })
  })

  it('does not wait where a member posts that it does: the run is what is consented to', async () => {
    await agree(parties, REVIEWED)
    const run = await asked()
    await tell({ run, state: 'waiting', review: ['made up'], outputs: [] })
    const { code, stderr } = await parties.retailer.sotto(`room vote ${run} yes --result --yes`)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/no result of [0-9a-f]{12} waits for you/)])
    expect(await parties.retailer.json(`room vote ${run} yes --yes`)).toMatchObject({ missing: [] })
  })

  it('ends the run where it is refused', async () => {
    const run = await waiting()
    await parties.retailer.json(`room vote ${run} no --result --yes`)
    const { code, stderr } = await parties.bank.sotto(`room run --go ${run}`)
    expect([code, stderr]).toEqual([2, expect.stringContaining('[ROOM_RUN_FAILED]')])
    expect((await parties.retailer.sotto(`room outputs ${run}`)).stderr).toMatch(/is not done/)
  })
})
