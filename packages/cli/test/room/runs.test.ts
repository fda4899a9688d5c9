import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { encodeContract } from '@sotto/protocol/contract'
import type { RunView } from '@sotto/protocol/room'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openBoard, parseInvitation, parseRunProof } from '../../../client/src/rooms/index.ts'
import { refuse } from '../../../client/test/rooms/board/fake-board.ts'
import { agree, createParties, current, meet, type Parties } from './parties.ts'

vi.mock('../../src/service/open.ts', async (original) => ({
  ...(await original<object>()),
  openService: async () => current.world!.sotto(),
}))

let parties: Parties
beforeEach(async () => {
  parties = await createParties()
  await meet(parties)
})
afterEach(() => parties.clear())

/** The bank's file of the room. */
function savedRoom(): { invitation: string } {
  const file = join(parties.bank.cwd, 'config/rooms/offers/room.json')
  return JSON.parse(readFileSync(file, 'utf8')) as { invitation: string }
}

/** Asks for a run, and has every owner consent. */
async function consented(): Promise<string> {
  const { run } = await parties.bank.json<{ run: string }>('room run count --set least=3 --once')
  await parties.retailer.json(`room vote ${run} yes --yes`)
  return run
}

describe('sotto room data', () => {
  it('brings data sealed, with their key, and says what they are called', async () => {
    await agree(parties)
    expect(parties.world.asked.filter((one) => one === 'import')).toHaveLength(2)
    const [file] = parties.world.board.files.values()
    expect(Buffer.from(file!.data).includes('ada')).toBe(false)
    const again = await parties.bank.sotto('room data add customers customers.csv')
    expect(again.stdout).toMatch(
      /^customers {2}version 1, .* sealed, artifact [0-9a-f]{32}\ncontent {2}[0-9a-f]{64}\n$/,
    )
    expect(parties.world.asked.filter((one) => one === 'import')).toHaveLength(2)
    parties.bank.write('customers.csv', 'customer,amount\nada,12\nbob,1\n')
    expect(await parties.bank.json('room data add customers customers.csv')).toMatchObject({ version: 2 })
  })

  it('takes the form of a file from --media where its name does not tell', async () => {
    await agree(parties)
    parties.bank.write('export', 'customer,amount\nbob,1\n')
    expect((await parties.bank.sotto('room data add customers export')).stderr).toContain(
      '[ROOM_DATA_SOURCE]',
    )
    expect(await parties.bank.json('room data add customers export --media csv')).toMatchObject({
      version: 2,
    })
  })

  it.each([
    ['another party owns', 'room data add purchases customers.csv', '[ROOM_ITEM]'],
    ['there is not', 'room data add orders customers.csv', '[ROOM_ITEM]'],
  ])('brings nothing for an input that %s', async (_what, line, code) => {
    await agree(parties)
    const { stderr } = await parties.bank.sotto(line)
    expect(stderr).toContain(code)
  })

  it('names no content of a file that has other columns', async () => {
    await agree(parties)
    parties.bank.write('other.csv', 'hunter2,hunter3\nhunter4,1\n')
    const { code, stderr } = await parties.bank.sotto('room data add customers other.csv')
    expect([code, stderr.includes('hunter')]).toEqual([2, false])
  })

  it('says a digest beforehand, which a contract can agree on and the data then have', async () => {
    parties.bank.write('customers.csv', 'customer,amount\nada,12\n')
    parties.bank.write('without.yaml', 'title: a')
    const salt = `salt: ${'A'.repeat(43)}\n`
    const { sharedDraft } = await import('./parties.ts')
    parties.bank.write('without.yaml', sharedDraft())
    const refused = await parties.bank.sotto('room data digest customers customers.csv --draft without.yaml')
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/add the line salt: [\w-]{43}/)])
    parties.bank.write('with.yaml', sharedDraft() + salt)
    const { stdout } = await parties.bank.sotto(
      'room data digest customers customers.csv --draft with.yaml --room offers',
    )
    const content = stdout.trim()
    await agree(parties, (draft) => {
      draft['salt'] = 'A'.repeat(43)
      draft.inputs['customers']!['content'] = content
    })
    parties.bank.write('customers.csv', 'customer,amount\nada,13\n')
    expect((await parties.bank.sotto('room data add customers customers.csv')).stderr).toMatch(
      /is not the content that the parties agreed on/,
    )
  })

  it.each([
    ['without a draft', 'room data digest customers customers.csv', '[CLI_USAGE]'],
    ['of another input', 'room data digest orders customers.csv --draft draft.yaml', '[CLI_USAGE]'],
    ['with a file that is not there', 'room data add customers none.csv', '[CLI_FILE]'],
  ])('is refused %s', async (_what, line, code) => {
    await agree(parties)
    const { stderr } = await parties.bank.sotto(line)
    expect(stderr).toContain(code)
  })
})

describe('sotto room run', () => {
  it('waits for the consent of others, begins, and ends with the run', async () => {
    await agree(parties)
    const running = parties.bank.sotto('room run count --set least=3 --note November')
    await vi.waitFor(async () => {
      const { runs } = await parties.retailer.json<{ runs: { run: string }[] }>('room status')
      expect(runs).toHaveLength(1)
      await parties.retailer.json(`room vote ${runs[0]!.run} yes --yes`)
    })
    const { code, stdout, stderr } = await running
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}\n$/)])
    expect(stderr).toMatch(/waits for retailer to consent/)
    expect(stderr).toMatch(/done; receivers open what they got: sotto room outputs [0-9a-f]{12}/)
  })

  it('can be left with Ctrl-C, and gone on with by anybody', async () => {
    await agree(parties)
    const stop = new AbortController()
    const running = parties.bank.sotto('room run count --set least=3', { signal: stop.signal })
    await vi.waitFor(() => expect(parties.world.running.size).toBe(1))
    setTimeout(() => stop.abort(), 50)
    const left = await running
    expect(left.code).toBe(130)
    // Nothing has begun, so nothing ends by itself.
    expect(left.stderr).not.toMatch(/ends by itself/)
    const [run] = parties.world.running.keys()
    await parties.retailer.json(`room vote ${run} yes --yes`)
    expect(await parties.retailer.json(`room run --go ${run}`)).toMatchObject({ run, state: 'done' })
    expect(await parties.bank.json(`room run --go ${run}`)).toMatchObject({ run, state: 'done' })
    expect(parties.world.asked.filter((one) => one === 'begin')).toHaveLength(1)
  })

  it('says that a run ends by itself where it is left while it runs', async () => {
    await agree(parties)
    const run = await consented()
    parties.world.running.get(run)!.view = { run, state: 'running', review: [], outputs: [] }
    const stop = new AbortController()
    const following = parties.bank.sotto(`room run --go ${run}`, { signal: stop.signal })
    setTimeout(() => stop.abort(), 100)
    const { code, stderr } = await following
    expect([code, stderr]).toEqual([
      130,
      expect.stringMatching(/the run ends by itself; sotto room run --go/),
    ])
  })

  it('says whom it waits for where it is not to wait', async () => {
    await agree(parties)
    const { run } = await parties.bank.json<{ run: string }>('room run count --set least=3 --once')
    const { code, stderr } = await parties.bank.sotto(`room run --go ${run} --once`)
    expect([code, stderr]).toEqual([
      8,
      expect.stringMatching(
        /waits for retailer to consent: sotto room vote [0-9a-f]{12} yes \[ROOM_WAITING\]/,
      ),
    ])
  })

  it('goes on waiting where the service is away for a moment', async () => {
    await agree(parties)
    const run = await consented()
    parties.world.misses = 1
    expect((await parties.bank.sotto(`room run --go ${run} --once`)).stderr).toContain('[ROOM_UNAVAILABLE]')
    parties.world.misses = 2
    const { code, stderr } = await parties.bank.sotto(`room run --go ${run}`)
    expect([code, stderr]).toEqual([0, expect.stringMatching(/nobody is there; trying again/)])
  })

  it('does not wait past the time of an offer', async () => {
    await agree(parties)
    const { run } = await parties.bank.json<{ run: string }>('room run count --set least=3 --once')
    const later = parties.world.now() + 3600
    parties.world.now = () => later
    const { stderr } = await parties.bank.sotto(`room run --go ${run}`)
    expect(stderr).toMatch(/the time in which [0-9a-f]{12} could begin is over/)
  })

  it('tells the rule that a run broke, and keeps no proof of it', async () => {
    await agree(parties)
    const run = await consented()
    parties.world.failure = { code: 'ROOM_SQL_REFUSED', message: 'too few', rule: 'min-contributors' }
    const { code, stderr } = await parties.bank.sotto(`room run --go ${run}`)
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/failed: too few \[ROOM_RUN_FAILED\][^]*ROOM_SQL_REFUSED, rule min-contributors/),
    ])
    const status = await parties.retailer.sotto('room status')
    expect(status.stdout).toMatch(/failed, members say: too few \[ROOM_SQL_REFUSED, rule min-contributors\]/)
  })

  it.each([
    ['while it could begin', 0],
    ['when the time of its offer is over', 3600],
  ])('tells the others how it ended where whoever began it could not, %s', async (_when, seconds) => {
    await agree(parties)
    const run = await consented()
    const { world } = parties
    // It ended, and nobody heard of it.
    await parties.bank.sotto(`room run --go ${run}`)
    expect(world.running.get(run)!.view.state).toBe('done')
    world.board.messages.pop()
    const later = world.now() + seconds
    world.now = () => later
    expect((await parties.retailer.sotto(`room outputs ${run}`)).stderr).toMatch(/is not done/)
    await parties.retailer.json(`room run --go ${run}`)
    expect((await parties.retailer.sotto(`room outputs ${run}`)).code).toBe(0)
    const { length } = world.board.messages
    await parties.retailer.json(`room run --go ${run}`)
    expect(world.board.messages).toHaveLength(length)
  })

  it('ends well where the board takes no more, and says that the others were not told', async () => {
    await agree(parties)
    const run = await consented()
    const { board } = parties.world
    await parties.bank.sotto(`room run --go ${run}`)
    board.messages.pop()
    board.lies = ({ method, path }) =>
      method === 'POST' && path.endsWith('/messages') ? refuse(413, 'BOARD_FULL') : undefined
    const { code, stderr } = await parties.retailer.sotto(`room run --go ${run}`)
    expect([code, stderr]).toEqual([0, expect.stringMatching(/the others were not told: .*BOARD_FULL/)])
  })

  it('says whether the party that asks consented, where it reads data of it', async () => {
    await agree(parties)
    const { code, stderr } = await parties.bank.sotto('room run count --set least=3 --once')
    expect([code, stderr]).toEqual([0, expect.stringMatching(/you consented: it reads data of yours/)])
    expect(await parties.retailer.json('room run count --set least=3 --once')).toMatchObject({
      owners: ['bank', 'retailer'],
      consents: ['retailer'],
    })
  })

  /** What any member can post of a run. */
  async function tell(view: RunView): Promise<void> {
    const board = openBoard(parseInvitation(savedRoom().invitation), { fetch: parties.world.board.fetch })
    await board.post({ kind: 'view', at: parties.world.now(), view })
  }

  it('takes from members that a run is done where that is proven, once the room has forgotten it', async () => {
    await agree(parties)
    const run = await consented()
    await parties.bank.json(`room run --go ${run}`)
    await tell({ run, state: 'done', review: [], outputs: [] })
    parties.world.running.delete(run)
    expect(await parties.retailer.json(`room run --go ${run}`)).toEqual({
      run,
      state: 'done',
      outputs: 1,
      isProven: true,
    })
    expect((await parties.retailer.sotto(`room outputs ${run}`)).code).toBe(0)
  })

  it.each(['done', 'failed', 'waiting'] as const)(
    'says that members tell it is %s where nothing proves it, and fails',
    async (state) => {
      await agree(parties)
      const run = await consented()
      await tell({ run, state, review: [], outputs: [] })
      parties.world.running.delete(run)
      const { code, stderr, stdout } = await parties.bank.sotto(`room run --go ${run}`)
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(
        new RegExp(`members tell that the run [0-9a-f]{12} is ${state}; .*nothing proves it`),
      )
    },
  )

  it('is not done where the room says so and proves nothing', async () => {
    await agree(parties)
    const run = await consented()
    const running = parties.world.running.get(run)!
    running.view = { run, state: 'done', review: [], outputs: [] }
    const { code, stderr, stdout } = await parties.bank.sotto(`room run --go ${run}`)
    expect([code, stdout]).toEqual([3, ''])
    expect(stderr).toContain('[ROOM_OFFER]')
  })

  it('tells the others what the room says where a member made up another end of the same kind', async () => {
    await agree(parties)
    const run = await consented()
    await parties.bank.json(`room run --go ${run}`)
    parties.world.board.messages.pop()
    await tell({ run, state: 'done', review: [], outputs: [] })
    expect((await parties.retailer.sotto(`room outputs ${run}`)).stderr).toContain('[ROOM_OFFER]')
    await parties.retailer.json(`room run --go ${run}`)
    expect((await parties.retailer.sotto(`room outputs ${run}`)).code).toBe(0)
  })

  it('waits on where the room waits for more after results were let out', async () => {
    await agree(parties, (draft) => {
      draft.inputs['purchases']!['rules'] = { receivers: ['bank', 'retailer'], review: true }
    })
    const run = await consented()
    expect((await parties.bank.sotto(`room run --go ${run} --once`)).stderr).toContain('[ROOM_WAITING]')
    await parties.retailer.json(`room vote ${run} yes --result --yes`)
    parties.world.keepsWaiting = true
    const { code, stderr } = await parties.bank.sotto(`room run --go ${run} --once`)
    expect([code, stderr]).toEqual([8, expect.stringMatching(/the room still waits for who looks/)])
  })

  it('does not begin again and again in a room that does not begin it', async () => {
    await agree(parties)
    const run = await consented()
    parties.world.beginsNothing = true
    const { code, stderr } = await parties.bank.sotto(`room run --go ${run}`)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/did not begin the run [^]*offered/)])
  })

  it('and data are refused before this party has signed the contract', async () => {
    const { sharedDraft } = await import('./parties.ts')
    parties.bank.write('draft.yaml', sharedDraft())
    await parties.bank.json('room propose draft.yaml')
    parties.bank.write('customers.csv', 'customer,amount\nada,12\n')
    for (const line of ['room data add customers customers.csv', 'room run count --set least=3']) {
      const { code, stderr } = await parties.bank.sotto(line)
      expect([code, stderr]).toEqual([2, expect.stringMatching(/not signed the contract [^]*sign it first/)])
    }
    expect(parties.world.asked).not.toContain('import')
  })

  it('is ended by --cancel, when that is confirmed', async () => {
    await agree(parties)
    const run = await consented()
    expect((await parties.bank.sotto(`room run --cancel ${run}`)).code).toBe(2)
    expect(await parties.bank.json(`room run --cancel ${run} --yes`)).toEqual({ run, state: 'cancelled' })
    expect((await parties.bank.sotto(`room run --go ${run}`)).stderr).toContain('[ROOM_RUN_FAILED]')
  })

  it.each([
    ['nothing', 'room run', /name one computation/],
    ['two things', 'room run count --go 3f8a91', /name one computation/],
    ['a computation that there is not', 'room run sums', /no contract of yours with a computation sums/],
    ['a query that there is not', 'room run count --template none --set least=1', /there is no query none/],
    ['no value', 'room run count', /takes other parameters/],
    ['a value for nothing', 'room run count --set least=1 --set most=2', /takes other parameters/],
    ['a value twice', 'room run count --set least=1 --set least=2', /gives least twice/],
    ['a value without a name', 'room run count --set hunter2', /--set takes name=value/],
    ['a note of two lines', 'room run count --set least=1 --note a\nb', /--note is one line/],
  ])('refuses %s before anything is asked for', async (_what, line, why) => {
    await agree(parties)
    const { code, stderr } = await parties.bank.sotto(line)
    expect([code, stderr]).toEqual([2, expect.stringMatching(why)])
    expect(stderr).not.toContain('hunter2')
    expect(parties.world.running.size).toBe(0)
  })
})

describe('sotto room outputs', () => {
  /** A run that is done. */
  async function done(): Promise<string> {
    await agree(parties)
    const run = await consented()
    await parties.bank.json(`room run --go ${run}`)
    return run
  }

  it('opens results into private files, and keeps the proof beside the room', async () => {
    const run = await done()
    const { code, stdout } = await parties.retailer.sotto('room outputs')
    const file = join(parties.retailer.cwd, 'offers-outputs', run.slice(0, 12), 'counted')
    expect([code, stdout]).toEqual([0, expect.stringContaining(file)])
    expect(readFileSync(file)).toEqual(Buffer.from(parties.world.result))
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700)
    const proof = join(parties.retailer.cwd, 'config/rooms/offers/proofs', `${run}.json`)
    expect(statSync(proof).mode & 0o777).toBe(0o600)
    expect(parseRunProof(readFileSync(proof)).view.run).toBe(run)
  })

  it('verifies a run once, for its outputs and its proof', async () => {
    await done()
    parties.world.asked.length = 0
    await parties.retailer.json('room outputs')
    expect(parties.world.asked).toEqual(['verify'])
  })

  it('gives nothing to who receives nothing, but the proof', async () => {
    const run = await done()
    expect((await parties.bank.sotto('room outputs')).stderr).toMatch(/has nothing for you/)
    const { runs } = await parties.bank.json<{ runs: { outputs: object[]; proof: string }[] }>(
      `room outputs ${run}`,
    )
    expect(runs[0]!.outputs).toEqual([])
    expect(existsSync(runs[0]!.proof)).toBe(true)
  })

  it('says so where a file is there already, and replaces none that is another', async () => {
    const run = await done()
    const first = await parties.retailer.json<{
      runs: { outputs: { file: string; isNew: boolean }[]; proof: string }[]
    }>('room outputs --out results')
    const [{ file, isNew }] = first.runs[0]!.outputs as [{ file: string; isNew: boolean }]
    expect(isNew).toBe(true)
    const proof = readFileSync(first.runs[0]!.proof)
    const again = await parties.retailer.json<typeof first>('room outputs --out results')
    expect(again.runs[0]!.outputs[0]!.isNew).toBe(false)
    expect(readFileSync(first.runs[0]!.proof)).toEqual(proof)
    writeFileSync(file, 'mine')
    const { code, stderr } = await parties.retailer.sotto(`room outputs ${run} --out results`)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/is there already, and is something else/)])
    expect(readFileSync(file, 'utf8')).toBe('mine')
  })

  it('writes through no link that somebody put there', async () => {
    const run = await done()
    const target = join(parties.retailer.cwd, 'target')
    writeFileSync(target, 'mine')
    const { runs } = await parties.retailer.json<{ runs: { outputs: { file: string }[] }[] }>('room outputs')
    const folder = join(parties.retailer.cwd, 'other', run.slice(0, 12))
    parties.retailer.write('x', '')
    const { mkdirSync } = await import('node:fs')
    mkdirSync(folder, { recursive: true })
    symlinkSync(target, join(folder, 'counted'))
    const { code } = await parties.retailer.sotto(`room outputs ${run} --out other`)
    expect([code, readFileSync(target, 'utf8')]).toEqual([2, 'mine'])
    expect(runs[0]!.outputs[0]!.file).not.toContain('other')
  })

  it('opens the others where one run does not verify, and ends with what was wrong', async () => {
    const first = await done()
    const second = await consented()
    await parties.bank.json(`room run --go ${second}`)
    parties.retailer.write('sealed', '')
    // Files of the first run are gone from the board.
    const [kept] = [...parties.world.board.files.keys()].slice(-1)
    for (const digest of parties.world.board.files.keys())
      if (digest !== kept) parties.world.board.files.delete(digest)
    const { code, stderr, stdout } = await parties.retailer.sotto('room outputs')
    expect(code).not.toBe(0)
    expect(stderr).toContain('[ROOM_REFUSED]')
    expect(stdout).toContain(second.slice(0, 12))
    expect(readdirSync(join(parties.retailer.cwd, 'offers-outputs'))).toEqual([second.slice(0, 12)])
    expect(existsSync(join(parties.retailer.cwd, 'config/rooms/offers/proofs', `${first}.json`))).toBe(false)
  })
})

describe('sotto room status', () => {
  it('says at every step what each party can do next', async () => {
    const next = async (who: 'bank' | 'retailer'): Promise<string[]> =>
      (await parties[who].json<{ next: { command: string }[] }>('room status')).next.map(
        ({ command }) => command,
      )
    expect(await next('bank')).toEqual(['sotto room propose FILE'])
    const agreed = await agree(parties)
    expect(await next('bank')).toEqual(['sotto room run count --set least=VALUE'])
    const { run } = await parties.bank.json<{ run: string }>('room run count --set least=3 --once')
    const name = run.slice(0, 12)
    expect(await next('retailer')).toEqual([
      `sotto room vote ${name} yes`,
      'sotto room run count --set least=VALUE',
    ])
    await parties.retailer.json(`room vote ${run} yes --yes`)
    expect(await next('bank')).toContain(`sotto room run --go ${name}`)
    await parties.bank.json(`room run --go ${run}`)
    expect(await next('retailer')).toContain(`sotto room outputs ${name}`)
    expect(await next('bank')).not.toContain(`sotto room outputs ${name}`)
    await parties.bank.json(`room withdraw execution ${agreed} --yes`)
    expect(await next('bank')).toEqual([])
  })

  it('shows contracts, data, budgets and runs, with who has to act', async () => {
    await agree(parties)
    await parties.bank.json('room run count --set least=3 --once --note November')
    const { stdout } = await parties.retailer.sotto('room status')
    expect(stdout).toMatch(/^ {2}[0-9a-f]{12} {2}Counts: in force$/m)
    expect(stdout).toMatch(/data customers of bank: version 1, .* sealed, 20\d\d-/)
    expect(stdout).toMatch(/^ {4}customers for count: 100 runs left$/m)
    expect(stdout).toMatch(
      /^ {2}[0-9a-f]{12} {2}count \(all\), asked by bank \(so it says\): November\n {4}offered$/m,
    )
    expect(stdout).toMatch(/consented: bank; missing: retailer/)
    expect(stdout).toMatch(/you can\n {2}sotto room vote [0-9a-f]{12} yes/)
  })

  it('goes on with --watch until it is interrupted, and says only what changed', async () => {
    const { world, bank } = parties
    world.board.asked.length = 0
    const stop = new AbortController()
    const watching = bank.sotto('room status --watch --json', { signal: stop.signal })
    const looks = (): number => world.board.asked.filter((one) => one.includes('?after=')).length
    await vi.waitFor(() => expect(looks()).toBe(1))
    await vi.waitFor(() => expect(looks()).toBe(2), { timeout: 5000 })
    world.board.messages.push('AAAA')
    await vi.waitFor(() => expect(looks()).toBe(3), { timeout: 5000 })
    setTimeout(() => stop.abort(), 100)
    const { code, stdout } = await watching
    expect(code).toBe(130)
    expect(stdout.match(/^\{$/gm)).toHaveLength(2)
    // Of what it has seen, only the last message is asked for again.
    expect(world.board.asked.map((one) => one.slice(one.indexOf('?')))).toEqual([
      '?after=0',
      '?after=1',
      '?after=1',
    ])
  })

  it('asks nobody about a contract that is meant for another KMS', async () => {
    await agree(parties)
    const [held] = parties.world.held.values()
    const { invitation } = savedRoom()
    const board = openBoard(parseInvitation(invitation), { fetch: parties.world.board.fetch })
    const foreign = encodeContract({ ...held!.named.contract, genesis: '00'.repeat(32) })
    await board.post({ kind: 'proposed', at: parties.world.now(), contract: fromUtf8(foreign) })
    const { contracts } = await parties.bank.json<{ contracts: { phase: string }[] }>('room status')
    expect(contracts.map(({ phase }) => phase)).toEqual(['accepted', 'foreign'])
    expect(await parties.bank.json(`room close ${held!.named.digest} --yes`)).toMatchObject({
      closed: ['bank'],
    })
  })

  it('shows a contract as closed once its time is over, also one that nobody signed', async () => {
    const { sharedDraft } = await import('./parties.ts')
    parties.bank.write('draft.yaml', sharedDraft())
    await parties.bank.json('room propose draft.yaml')
    const later = parties.world.now() + 10 * 366 * 86_400
    parties.world.now = () => later
    const { stdout } = await parties.bank.sotto('room status')
    expect(stdout).toMatch(/Counts: closed$/m)
    expect(stdout).not.toContain('sotto room vote')
  })

  it('counts messages that prove nothing', async () => {
    parties.world.board.messages.push(Buffer.from(utf8('x'.repeat(2000))).toString('base64url'))
    const { stdout } = await parties.bank.sotto('room status')
    expect(stdout).toMatch(/1 messages of the board prove nothing/)
  })
})

describe('sotto room withdraw and close', () => {
  it('take back what is named, when it is confirmed', async () => {
    const contract = await agree(parties)
    expect((await parties.bank.sotto('room withdraw logging')).code).toBe(2)
    expect(await parties.bank.json(`room withdraw logging ${contract} --yes`)).toMatchObject({
      contract,
      phase: 'accepted',
      withdrawn: [{ party: 'bank', consent: 'logging' }],
    })
    expect(await parties.bank.json(`room withdraw execution ${contract} --yes`)).toMatchObject({
      phase: 'closed',
    })
    expect((await parties.bank.sotto('room withdraw everything --yes')).stderr).toContain('[CLI_USAGE]')
  })

  it('end a contract when all parties have', async () => {
    const contract = await agree(parties)
    for (const named of ['', contract.slice(0, 12)])
      expect((await parties.bank.sotto(`room close ${named} --yes`)).stderr).toMatch(/by its whole digest/)
    const first = await parties.bank.sotto(`room close ${contract} --yes`)
    expect([first.code, first.stdout]).toEqual([0, 'ended for your part; retailer has not\n'])
    expect(await parties.retailer.json(`room close ${contract} --yes`)).toMatchObject({
      phase: 'closed',
      missing: [],
    })
  })

  it('ask at a terminal, and do nothing on no', async () => {
    await agree(parties)
    const { code, stderr } = await parties.bank.sotto('room close', {
      stdin: ['n\n'],
      stdinTerminal: true,
      stderrTerminal: true,
    })
    expect([code, stderr]).toEqual([
      130,
      expect.stringMatching(/End [0-9a-f]{12} \(Counts\) for your part[^]*nothing was signed/),
    ])
    expect(parties.world.asked).not.toContain('close')
  })
})

it('shows the secret of a room, its token and the key of a party nowhere, whatever is done', async () => {
  const { invitation } = savedRoom()
  const key = readFileSync(join(parties.bank.cwd, 'config/owner.key'), 'utf8').split('\n')[1]!
  const secrets = [invitation.slice(11), parseInvitation(invitation).token, key]
  await agree(parties)
  const run = await consented()
  const lines = [
    'room ls',
    'room status',
    'room status --json',
    `room vote ${run} --show`,
    `room run --go ${run} --verbose`,
    'room outputs --json',
    'room vote 000000 yes --verbose',
    `room status --room ${invitation}`,
    'room init offers --as bank --verbose',
    'config view',
  ]
  for (const line of lines) {
    const { stdout, stderr } = await parties.bank.sotto(line)
    for (const secret of secrets) expect(stdout + stderr, line).not.toContain(secret)
  }
})
