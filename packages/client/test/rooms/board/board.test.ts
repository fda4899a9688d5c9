import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { fromBase64Url, toBase64Url } from '@sotto/protocol/bytes'
import { type Board, MAX_ROOM_MESSAGES, openBoard } from '../../../src/rooms/board/board.ts'
import { foldRoom } from '../../../src/rooms/board/fold.ts'
import { type BoardEntry, sealMessage } from '../../../src/rooms/board/message.ts'
import type { RoomMessage } from '../../../src/rooms/board/messages.ts'
import { createFakeBoard, type FakeBoard, refuse } from './fake-board.ts'
import { BANK, GENESIS, MESSAGES, NOW, OTHER_ROOM, RETAILER, ROOM, RUN } from './room.ts'

const code = (name: string, found?: string): Error =>
  expect.objectContaining({ code: name, ...(found !== undefined && { found }) }) as Error
const STORY = [MESSAGES.joined, MESSAGES.proposed, MESSAGES.offered, MESSAGES.consented] as const

let keeper: FakeBoard
let board: Board

beforeEach(async () => {
  keeper = createFakeBoard(GENESIS)
  board = openBoard(ROOM, { fetch: keeper.fetch, pauseMs: 0 })
  await board.create(BANK, { genesis: GENESIS, now: NOW })
  keeper.asked.length = 0
})

const read = (after?: number, from = board): Promise<BoardEntry[]> => Array.fromAsync(from.read(after))
async function post(...messages: readonly RoomMessage[]): Promise<void> {
  for (const message of messages) await board.post(message)
}

describe('a board', () => {
  it('is opened by an owner with the digest of its token, and again without harm', async () => {
    await board.create(BANK, { genesis: GENESIS, now: NOW + 1 })
    expect(keeper.asked).toEqual([`PUT /${ROOM.board}`])
    await expect(board.create(BANK, { genesis: 'ef'.repeat(32), now: NOW })).rejects.toThrow(
      'another deployment',
    )
  })

  it('gives members what members left there, in order', async () => {
    await post(...STORY)
    expect(await read()).toEqual(STORY.map((message, at) => ({ index: at + 1, message })))
    expect(await read(2)).toEqual([
      { index: 3, message: MESSAGES.offered },
      { index: 4, message: MESSAGES.consented },
    ])
    expect(await read(4)).toEqual([])
    expect(keeper.asked.filter((one) => one.startsWith('GET'))).toEqual(
      [0, 3, 2, 4].map((after) => `GET /${ROOM.board}/messages?after=${after}`),
    )
  })

  it('sees nothing of a message, nor of the key that opens it', async () => {
    await post(...STORY)
    const sealed = keeper.messages
      .map((message) => Buffer.from(fromBase64Url(message)).toString('latin1'))
      .join()
    for (const word of ['bank', 'customers', 'kind', GENESIS, RUN]) expect(sealed).not.toContain(word)
  })

  it('is closed to who has another secret', async () => {
    await post(MESSAGES.joined)
    const stranger = openBoard({ ...OTHER_ROOM, board: ROOM.board }, { fetch: keeper.fetch, pauseMs: 0 })
    await expect(read(0, stranger)).rejects.toThrow(code('ROOM_REFUSED', 'BOARD_UNKNOWN'))
    await expect(stranger.post(MESSAGES.declined)).rejects.toThrow(code('ROOM_REFUSED', 'BOARD_UNKNOWN'))
  })
})

describe('posting', () => {
  it('says the same once, whatever is lost on the way', async () => {
    const faults: ('request' | 'answer' | undefined)[] = ['request', 'answer', 'answer', undefined]
    keeper.loses = () => faults.shift()
    expect(await board.post(MESSAGES.joined)).toBe(1)
    expect(keeper.asked).toHaveLength(4)
    expect(keeper.messages).toHaveLength(1)
    expect(await board.post(MESSAGES.joined)).toBe(2)
  })

  it('is given up after five failures in a row', async () => {
    keeper.loses = () => 'request'
    await expect(board.post(MESSAGES.joined)).rejects.toThrow(code('RELAY_UNREACHABLE'))
    expect(keeper.asked).toHaveLength(6)
  })

  it('is not repeated where the board refuses', async () => {
    keeper.lies = () => refuse(413, 'BOARD_FULL')
    await expect(board.post(MESSAGES.joined)).rejects.toThrow(code('ROOM_REFUSED', 'BOARD_FULL'))
    expect(keeper.asked).toHaveLength(1)
  })

  it('is repeated where the board is busy', async () => {
    const answers = [refuse(503, 'BOARD_BUSY', 'retry'), new Response('no', { status: 502 })]
    keeper.lies = () => answers.shift()
    expect(await board.post(MESSAGES.joined)).toBe(1)
    expect(keeper.asked).toHaveLength(3)
  })

  it('sends nothing that nobody could read', async () => {
    await expect(board.post({ ...MESSAGES.declined, reason: '\n' })).rejects.toThrow(code('JCS_FIELD'))
    expect(keeper.asked).toEqual([])
  })

  it('ends when it is told to', async () => {
    const ending = new AbortController()
    const own = openBoard(ROOM, { fetch: keeper.fetch, signal: ending.signal, pauseMs: 60_000 })
    keeper.loses = () => {
      setTimeout(() => ending.abort(new Error('enough')))
      return 'request'
    }
    await expect(own.post(MESSAGES.joined)).rejects.toThrow('enough')
    expect(keeper.asked).toHaveLength(1)
  })
})

describe('reading', () => {
  it('tells of a damaged message, of another board and of another room, and gives all others', async () => {
    await post(...STORY)
    const damaged = fromBase64Url(keeper.messages[1]!)
    damaged[40]! ^= 1
    const otherRoom = sealMessage(OTHER_ROOM, { ...MESSAGES.declined })
    const otherBoard = sealMessage({ ...ROOM, board: OTHER_ROOM.board }, MESSAGES.declined)
    keeper.messages[1] = toBase64Url(damaged)
    keeper.messages.push(...[otherRoom, otherBoard, Uint8Array.of(1)].map(toBase64Url))
    const entries = await read()
    expect(entries.map((entry) => 'message' in entry)).toEqual([true, false, true, true, false, false, false])
    expect(foldRoom(entries)).toMatchObject({ unreadable: [2, 5, 6, 7], unproven: [4] })
  })

  it('is not misled by messages that are shown twice or in another order', async () => {
    await post(MESSAGES.proposed, MESSAGES.offered, MESSAGES.consented)
    const expected = foldRoom(await read())
      .runs.get(RUN)!
      .consents.get('bank')!.envelope
    keeper.messages = [...keeper.messages, ...keeper.messages].reverse()
    const { runs, unproven } = foldRoom(await read())
    expect([...runs.get(RUN)!.consents.values()].map(({ envelope }) => envelope)).toEqual([expected])
    expect(unproven).toEqual([])
  })

  it('goes on where an answer was lost', async () => {
    await post(...STORY)
    const faults: ('request' | 'answer' | undefined)[] = ['answer', undefined, 'request']
    keeper.loses = () => faults.shift()
    expect(await read()).toHaveLength(4)
  })

  it.each<[string, object]>([
    ['a message left out', { messages: [entry(2)], more: false }],
    ['two in another order', { messages: [entry(2), entry(1)], more: false }],
    ['one twice', { messages: [entry(1), entry(1)], more: false }],
    ['more, and none of them', { messages: [], more: true }],
    ['no page', { messages: [] }],
    ['something else', { more: false, messages: [], other: 1 }],
    ['too many at once', { messages: Array.from({ length: 65 }, (_, at) => entry(at + 1)), more: false }],
    ['a message of nothing', { messages: [{ index: 1, message: '' }], more: false }],
    ['a message in another spelling', { messages: [{ index: 1, message: 'AB' }], more: false }],
  ])('malformed: %s is no answer of a board', async (_what, answer) => {
    keeper.lies = () => Response.json(answer)
    await expect(read()).rejects.toThrow(code('ROOM_BOARD'))
    expect(keeper.asked).toHaveLength(1)
  })

  it('malformed: whatever a board answers, it is read or refused', async () => {
    const answer = fc.oneof(fc.json(), fc.string(), fc.constant('{"messages":[],"messages":[],"more":false}'))
    await fc.assert(
      fc.asyncProperty(answer, async (text) => {
        keeper.lies = () => new Response(text)
        await expect(read()).rejects.toThrow(code('ROOM_BOARD'))
      }),
    )
  })

  it('ends where a board has more than a room has', async () => {
    keeper.lies = ({ path }) => {
      const after = Number(path.split('=')[1])
      return Response.json({
        messages: Array.from({ length: 64 }, (_, at) => entry(after + at + 1)),
        more: true,
      })
    }
    let seen = 0
    const all = async (): Promise<void> => {
      for await (const { index } of board.read()) seen = index
    }
    await expect(all()).rejects.toThrow(code('ROOM_BOARD'))
    expect(seen).toBe(MAX_ROOM_MESSAGES)
  })

  it('takes no more characters at a time than it may', async () => {
    await post(...STORY)
    const own = openBoard(ROOM, {
      fetch: keeper.fetch,
      maxCharacters: keeper.messages.slice(0, 3).join('').length,
    })
    let seen = 0
    const all = async (after: number): Promise<void> => {
      for await (const { index } of own.read(after)) seen = index
    }
    await expect(all(0)).rejects.toThrow(code('ROOM_BOARD'))
    expect(seen).toBe(3)
    await all(3)
    expect(seen).toBe(4)
  })

  it('stops asking when nobody reads on', async () => {
    await post(...STORY)
    keeper.asked.length = 0
    for await (const { index } of board.read()) if (index === 2) break
    expect(keeper.asked).toHaveLength(1)
  })
})

describe('answers', () => {
  it.each<[string, () => Promise<unknown>, object]>([
    [
      'another board that was opened',
      () => board.create(BANK, { genesis: GENESIS, now: NOW }),
      { board: 'ab'.repeat(32) },
    ],
    ['no index', () => board.post(MESSAGES.joined), { index: 0 }],
    ['more than an index', () => board.post(MESSAGES.joined), { index: 1, more: 'x'.repeat(5000) }],
  ])('malformed: with %s they are refused', async (_what, ask, answer) => {
    keeper.lies = () => Response.json(answer)
    await expect(ask()).rejects.toThrow(code('ROOM_BOARD'))
  })

  it('of a refusal are bounded, and hold neither token nor secret', async () => {
    keeper.lies = () =>
      new Response(`{"error":{"code":"A","message":"${'x'.repeat(70_000)}"}}`, { status: 400 })
    const refused = await board.post(MESSAGES.joined).catch((error: unknown) => error as Error)
    expect(refused).toMatchObject({ code: 'ROOM_REFUSED', found: 'status 400' })
    expect(JSON.stringify(refused) + String((refused as Error).stack)).not.toContain(ROOM.token)
  })
})

it('two members understand each other', async () => {
  const other = openBoard(ROOM, { fetch: keeper.fetch, pauseMs: 0 })
  await post(MESSAGES.joined)
  await other.post({ ...MESSAGES.declined, party: 'retailer' })
  expect((await read()).map((entry) => 'message' in entry && entry.message.kind)).toEqual([
    'joined',
    'declined',
  ])
  expect(RETAILER.key).not.toBe(BANK.key)
})

function entry(index: number): { index: number; message: string } {
  return { index, message: 'AAAA' }
}
