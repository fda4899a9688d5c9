import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { clientError } from '../../../client/src/errors.ts'
import { joinedMessage, openBoard, parseInvitation, roomParty } from '../../../client/src/rooms/index.ts'
import { createParties, current, meet, type Parties, sharedDraft } from './parties.ts'

vi.mock('../../src/service/open.ts', async (original) => ({
  ...(await original<object>()),
  openService: async () => current.world!.sotto(),
}))

let parties: Parties
beforeEach(async () => {
  parties = await createParties()
})
afterEach(() => parties.clear())

const INVITATION = /^sotto-room:[A-Za-z0-9_-]{50}$/
const FINGERPRINT = /^(?:[0-9a-f]{4} ){7}[0-9a-f]{4}$/
const roomJson = (cwd: string, name = 'offers'): string => join(cwd, 'config/rooms', name, 'room.json')

describe('sotto room init', () => {
  it('makes a room whose secret only its owner reads, and prints the invitation alone on standard output', async () => {
    const { bank } = parties
    const { code, stdout, stderr } = await bank.sotto('room init offers --as bank')
    expect([code, stdout.trim()]).toEqual([0, expect.stringMatching(INVITATION)])
    expect(stderr).toMatch(/give this line to each of the others/)
    expect(stderr).not.toContain(stdout.trim())
    const file = roomJson(bank.cwd)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      party: 'bank',
      invitation: stdout.trim(),
      key: join(bank.cwd, 'config/owner.key'),
      service: { host: 'https://relay.example', gateway: 'inference', policy: join(bank.cwd, 'policy.json') },
      isJoined: true,
    })
  })

  it('says with --json what people compare', async () => {
    const made = await parties.bank.json<Record<string, string>>('room init offers --as bank')
    expect(made).toMatchObject({ room: 'offers', party: 'bank' })
    expect(made['invitation']).toMatch(INVITATION)
    expect(made['fingerprint']).toMatch(FINGERPRINT)
  })

  it('is followed by the invitation again only where somebody says so', async () => {
    const { bank } = parties
    const invitation = await meet(parties)
    const refused = await bank.sotto('room invite')
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    expect((await bank.sotto('room invite offers --yes')).stdout).toBe(`${invitation}\n`)
    expect(await bank.json('room invite --yes')).toEqual({ room: 'offers', invitation })
  })

  it('never replaces a room', async () => {
    const { bank } = parties
    await meet(parties)
    const before = readFileSync(roomJson(bank.cwd), 'utf8')
    const { code, stderr, stdout } = await bank.sotto('room init offers --as bank')
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('[ROOM_EXISTS]')
    expect(readFileSync(roomJson(bank.cwd), 'utf8')).toBe(before)
  })

  it('goes on with the same secret where the connection broke', async () => {
    const { bank, world } = parties
    world.board.lies = () =>
      Response.json(
        { error: { code: 'BOARD_OWNER', message: 'nobody', action: 'fix-input' } },
        { status: 403 },
      )
    const refused = await bank.sotto('room init offers --as bank')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/hint: the operator has to admit your key: give it [\w-]{43}/)
    const { invitation } = JSON.parse(readFileSync(roomJson(bank.cwd), 'utf8')) as { invitation: string }
    expect(refused.stdout + refused.stderr).not.toContain(invitation)
    expect((await bank.sotto('room status')).stderr).toMatch(/you have not joined offers yet/)
    world.board.lies = () => undefined
    expect((await bank.sotto('room init offers --as bank')).stdout.trim()).toBe(invitation)
    expect((await bank.sotto('room status')).code).toBe(0)
  })

  it.each([
    ['no name of a party', 'room init offers', /say what the others call you/],
    ['a party in capitals', 'room init offers --as Bank', /--as takes a name/],
    ['a name that is a path', 'room init ../offers --as bank', /no name of a room/],
    ['a name that is none', 'room init Offers --as bank', /no name of a room/],
  ])('refuses %s before anything is written', async (_what, line, why) => {
    const { code, stderr } = await parties.bank.sotto(line)
    expect([code, stderr]).toEqual([2, expect.stringMatching(why)])
    expect(existsSync(join(parties.bank.cwd, 'config'))).toBe(false)
  })
})

describe('sotto room join', () => {
  it('enters with an invitation from standard input, and shows whom to compare fingerprints with', async () => {
    const { bank, retailer } = parties
    const made = await bank.json<Record<string, string>>('room init offers --as bank')
    const { code, stdout, stderr } = await retailer.sotto('room join - --as retailer', {
      stdin: [`${made['invitation']}\n`],
    })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^joined room-[0-9a-f]{8} as retailer$/m)
    expect(stdout).toContain(`bank         ${made['fingerprint']}`)
    expect(stdout + stderr).not.toContain(made['invitation'])
    const [name] = readdirSync(join(retailer.cwd, 'config/rooms'))
    expect(statSync(roomJson(retailer.cwd, name)).mode & 0o777).toBe(0o600)
  })

  it('enters with the invitation as an argument, too', async () => {
    const { invitation } = await parties.bank.json<{ invitation: string }>('room init offers --as bank')
    const joined = await parties.retailer.json<{ members: { name: string }[] }>(
      `room join ${invitation} --as retailer --name offers`,
    )
    expect(joined.members.map(({ name }) => name)).toEqual(['bank', 'retailer'])
  })

  it('says what is wrong with an invitation and repeats nothing of it', async () => {
    const { invitation } = await parties.bank.json<{ invitation: string }>('room init offers --as bank')
    const damaged = `${invitation.slice(0, -6)}AAAAAA`
    for (const options of [{ stdin: [damaged] }, undefined]) {
      const { code, stderr } = await parties.retailer.sotto(
        `room join ${options === undefined ? damaged : '-'} --as retailer`,
        options,
      )
      expect([code, stderr]).toEqual([2, expect.stringContaining('[ROOM_INVITATION]')])
      expect(stderr).not.toContain(damaged.slice(11, 30))
    }
    expect(existsSync(join(parties.retailer.cwd, 'config'))).toBe(false)
  })

  it('asks for the invitation on a terminal, and shows nothing of it', async () => {
    const { invitation } = await parties.bank.json<{ invitation: string }>('room init offers --as bank')
    const { code, stdout, stderr } = await parties.retailer.sotto('room join - --as retailer', {
      stdin: [`${invitation}\r`],
      stdinTerminal: true,
      stderrTerminal: true,
    })
    expect([code, stderr]).toEqual([0, expect.stringContaining('invitation (it does not show): ')])
    expect(stdout + stderr).not.toContain(invitation.slice(11, 30))
  })

  it.each([
    ['nothing is typed', [''], { stderrTerminal: true }, 2, '[CLI_STDIN]'],
    ['too much is typed', [`${'x'.repeat(2000)}\r`], { stderrTerminal: true }, 2, '[CLI_STDIN]'],
    ['Ctrl-C is typed', ['\u0003'], { stderrTerminal: true }, 130, '[CLI_CANCELLED]'],
    ['nobody would see that it is asked for', ['x\r'], {}, 2, '[CLI_STDIN]'],
  ])('ends where %s', async (_what, stdin, terminal, ends, what) => {
    const { code, stderr } = await parties.retailer.sotto('room join - --as retailer', {
      stdin,
      stdinTerminal: true,
      ...terminal,
    })
    expect([code, stderr]).toEqual([ends, expect.stringContaining(what)])
    expect(existsSync(join(parties.retailer.cwd, 'config'))).toBe(false)
  })

  it('refuses a name that somebody else in the room has, and posts nothing', async () => {
    const invitation = await meet(parties)
    const before = parties.world.board.messages.length
    const { code, stderr } = await parties
      .desk('thief')
      .sotto('room join - --as bank', { stdin: [invitation] })
    expect([code, stderr]).toEqual([3, expect.stringContaining('[ROOM_MEMBER]')])
    expect(parties.world.board.messages).toHaveLength(before)
  })

  it('goes on under another name where somebody has the first one', async () => {
    const invitation = await meet(parties)
    const third = parties.desk('third')
    const join = (as: string) => third.sotto(`room join - --as ${as} --name offers`, { stdin: [invitation] })
    expect((await join('bank')).stderr).toContain('[ROOM_MEMBER]')
    expect((await join('shop')).code).toBe(0)
    expect(await third.json('room ls')).toMatchObject({ rooms: [{ party: 'shop', isJoined: true }] })
    expect((await join('other')).stderr).toContain('[ROOM_EXISTS]')
  })

  it('refuses a second name for one key', async () => {
    const invitation = await meet(parties)
    const { stderr } = await parties.retailer.sotto('room join - --as shop --name again', {
      stdin: [invitation],
    })
    expect(stderr).toMatch(/you are in this room already, as retailer/)
  })

  it('says it once, however often it is asked to', async () => {
    const invitation = await meet(parties)
    const before = parties.world.board.messages.length
    const { code } = await parties.retailer.sotto('room join - --as retailer --name other', {
      stdin: [invitation],
    })
    expect([code, parties.world.board.messages.length]).toEqual([0, before])
  })
})

describe('rooms of a machine', () => {
  it('are listed without their secrets', async () => {
    const invitation = await meet(parties)
    const { stdout } = await parties.bank.sotto('room ls')
    expect(stdout).toMatch(/^offers {2,}as bank {2,}at https:\/\/relay\.example$/m)
    const json = await parties.bank.json('room ls')
    expect(JSON.stringify(json)).not.toContain(invitation.slice(11))
    expect(json).toMatchObject({ rooms: [{ name: 'offers', party: 'bank', isJoined: true }] })
    expect((await parties.desk('new').sotto('room ls')).stderr).toMatch(/no rooms/)
  })

  it('are refused where others may read them, and where they are damaged', async () => {
    await meet(parties)
    const file = roomJson(parties.bank.cwd)
    chmodSync(file, 0o644)
    const open = await parties.bank.sotto('room status')
    expect([open.code, open.stderr]).toEqual([2, expect.stringContaining('chmod 600')])
    const secret = readFileSync(file, 'utf8')
    writeFileSync(file, secret.replace('"bank"', '"BANK"'))
    chmodSync(file, 0o600)
    const damaged = await parties.bank.sotto('room status')
    expect([damaged.code, damaged.stderr]).toEqual([2, expect.stringContaining('is damaged')])
    expect(damaged.stderr).not.toContain((JSON.parse(secret) as { invitation: string }).invitation.slice(11))
    expect((await parties.bank.sotto('room ls')).stderr).toMatch(/offers: .* is damaged/)
  })

  it('are chosen by name where there are several', async () => {
    await meet(parties)
    await parties.bank.json('room init other --as bank')
    const open = await parties.bank.sotto('room status')
    expect([open.code, open.stderr]).toEqual([2, expect.stringMatching(/several rooms[^]*offers, other/)])
    const room = async (line: string, env?: Record<string, string>) =>
      (await parties.bank.json<{ room: string }>(line, env && { env })).room
    expect(await room('room status --room other')).toBe('other')
    expect(await room('room status', { SOTTO_ROOM: 'offers' })).toBe('offers')
    expect((await parties.bank.sotto('room status --room none')).stderr).toContain('[ROOM_UNKNOWN]')
  })

  it('are shown loudly where two call themselves the same', async () => {
    const invitation = await meet(parties)
    const secret = parseInvitation(invitation)
    const message = joinedMessage(roomParty(new Uint8Array(32).fill(9)), 'bank', {
      board: secret.board,
      at: 5,
    })
    await openBoard(secret, { fetch: parties.world.board.fetch }).post(message)
    const { stdout, stderr } = await parties.retailer.sotto('room status --quiet')
    expect(stderr).toMatch(/WARNING: two who call themselves bank/)
    expect(stdout.match(/DISPUTED/g)).toHaveLength(2)
    parties.bank.write('draft.yaml', sharedDraft())
    const proposed = await parties.bank.sotto('room propose draft.yaml')
    expect([proposed.code, proposed.stderr]).toEqual([3, expect.stringContaining('[ROOM_MEMBER]')])
  })

  it('pass on what is wrong with a board', async () => {
    await meet(parties)
    parties.world.board.fetch = () => Promise.reject(clientError('ROOM_BOARD', 'it is no board'))
    const { code, stderr } = await parties.bank.sotto('room status')
    expect([code, stderr]).toEqual([3, expect.stringContaining('[ROOM_BOARD]')])
  })
})
