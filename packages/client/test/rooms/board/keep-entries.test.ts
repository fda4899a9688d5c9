import { beforeEach, describe, expect, it } from 'vitest'
import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { type Board, openBoard } from '../../../src/rooms/board/board.ts'
import { createFakeBoard, type FakeBoard, refuse } from './fake-board.ts'
import { BANK, GENESIS, MESSAGES, NOW, ROOM } from './room.ts'

const STORY = [MESSAGES.joined, MESSAGES.proposed, MESSAGES.offered, MESSAGES.consented] as const

let keeper: FakeBoard
let board: Board

beforeEach(async () => {
  keeper = createFakeBoard(GENESIS)
  board = openBoard(ROOM, { fetch: keeper.fetch, pauseMs: 0 })
  await board.create(BANK, { genesis: GENESIS, now: NOW })
  for (const message of STORY) await board.post(message)
  keeper.asked.length = 0
})

/** Kinds of what was read, and after which indexes the board was asked. */
async function look(from = board): Promise<{ read: string[]; after: number[] }> {
  keeper.asked.length = 0
  const entries = await from.entries()
  expect(entries.map(({ index }) => index)).toEqual(entries.map((_, at) => at + 1))
  return {
    read: entries.map((entry) => ('message' in entry ? entry.message.kind : 'unreadable')),
    after: keeper.asked.map((one) => Number(/\?after=(\d+)$/.exec(one)![1])),
  }
}

const kinds = STORY.map(({ kind }) => kind)

describe('all entries of a board', () => {
  it('are read once: later on only the last one and what came after it', async () => {
    expect(await look()).toEqual({ read: kinds, after: [0, 3] })
    expect(await look()).toEqual({ read: kinds, after: [3] })
    await board.post(MESSAGES.declined)
    await board.post(MESSAGES.view)
    expect(await look()).toEqual({ read: [...kinds, 'declined', 'view'], after: [3] })
    expect(await look()).toEqual({ read: [...kinds, 'declined', 'view'], after: [5] })
  })

  it('are none of a board without messages, until there is one', async () => {
    const [first] = keeper.messages.splice(0)
    expect(await look()).toEqual({ read: [], after: [0] })
    keeper.messages.push(first!)
    expect(await look()).toEqual({ read: ['joined'], after: [0] })
  })

  it('stay what they were where the board changes or damages an earlier one', async () => {
    await look()
    keeper.messages[0] = keeper.messages[2]!
    const damaged = fromBase64Url(keeper.messages[1]!)
    damaged[40]! ^= 1
    keeper.messages[1] = toBase64Url(damaged)
    await board.post(MESSAGES.view)
    expect((await look()).read).toEqual([...kinds, 'view'])
    // Who comes later is shown what the board has now.
    const late = openBoard(ROOM, { fetch: keeper.fetch, pauseMs: 0 })
    expect((await look(late)).read).toEqual(['offered', 'unreadable', 'offered', 'consented', 'view'])
  })

  it.each<[string, (messages: string[]) => void, string[]]>([
    ['is gone', (messages) => messages.pop(), ['joined', 'proposed', 'offered']],
    [
      'is another message',
      (messages) => messages.splice(3, 1, messages[0]!),
      ['joined', 'proposed', 'offered', 'joined'],
    ],
    ['is damaged', (messages) => messages.splice(3, 1, 'AAAA'), [...kinds.slice(0, 3), 'unreadable']],
    ['is gone with all others', (messages) => messages.splice(0), []],
  ])('are read anew where the last one %s', async (_what, change, expected) => {
    await look()
    change(keeper.messages)
    const { read, after } = await look()
    expect([read, after.slice(0, 2)]).toEqual([expected, [3, 0]])
    // What was written since the board went back is seen by everybody.
    await board.post(MESSAGES.declined)
    expect((await look()).read).toEqual([...expected, 'declined'])
  })

  it('are kept as they were where a reading fails', async () => {
    await look()
    await board.post(MESSAGES.view)
    keeper.lies = () => refuse(400, 'BOARD_NO')
    await expect(board.entries()).rejects.toMatchObject({ code: 'ROOM_REFUSED' })
    keeper.lies = () => undefined
    expect(await look()).toEqual({ read: [...kinds, 'view'], after: [3] })
  })

  it.each([
    ['leaves one out', [6], 'ROOM_BOARD'],
    ['shows one twice', [4, 4], 'ROOM_BOARD'],
  ])('are refused where the board %s', async (_what, indexes, expected) => {
    await look()
    const last = keeper.messages.at(-1)!
    keeper.lies = () =>
      Response.json({ messages: indexes.map((index) => ({ index, message: last })), more: false })
    await expect(board.entries()).rejects.toMatchObject({ code: expected })
  })

  it('are no more characters than a reading may take, however often it is read', async () => {
    const own = openBoard(ROOM, { fetch: keeper.fetch, maxCharacters: keeper.messages.join('').length })
    for (let times = 0; times < 3; times++) expect((await look(own)).read).toEqual(kinds)
    await board.post(MESSAGES.declined)
    await expect(own.entries()).rejects.toMatchObject({ code: 'ROOM_BOARD' })
  })

  it('are whole for each of several who read at once', async () => {
    const readings = await Promise.all([board.entries(), board.entries(), board.post(MESSAGES.view)])
    for (const entries of readings.slice(0, 2)) expect((entries as unknown[]).length).toBeGreaterThan(3)
    expect((await look()).read).toEqual([...kinds, 'view'])
  })
})
