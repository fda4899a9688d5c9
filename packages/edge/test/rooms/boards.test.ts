import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { refusalOf, content, sha256 } from '../registry/parties.ts'
import { bytesOf, createParty, indexOf, openTestRooms, type Party, type TestRooms } from './parties.ts'

let rooms: TestRooms
let party: Party

beforeEach(() => {
  rooms = openTestRooms()
  party = createParty(rooms.clock)
  rooms.admit([party])
})

const put = (id: string, opening: string): Promise<Response> => rooms.call('PUT', `/v1/boards/${id}`, opening)

describe('a board', () => {
  it('is opened by its owner, and by the same opening again', async () => {
    const board = party.board()
    for (let n = 0; n < 2; n++) {
      const response = await put(board.id, board.opening())
      expect([response.status, await response.json()]).toEqual([200, { board: board.id }])
    }
    rooms.clock.now += 2 * 86_400
    expect((await put(board.id, board.opening({ createdAt: rooms.clock.now - 2 * 86_400 }))).status).toBe(200)
  })

  it('keeps nothing from which its token could be had', async () => {
    const board = await rooms.open(party)
    const token = board.bearer.authorization.slice('Bearer '.length)
    rooms.close()
    const stored = readFileSync(join(rooms.folder, 'boards.db'))
    expect(stored.includes(board.id)).toBe(true)
    expect(stored.includes(token)).toBe(false)
    expect(stored.includes(Buffer.from(token, 'base64url'))).toBe(false)
  })

  it('is not opened a second time by another owner, nor with another token', async () => {
    const board = await rooms.open(party)
    const other = createParty(rooms.clock)
    rooms.admit([party, other])
    const token = sha256(Buffer.from(board.bearer.authorization.slice('Bearer '.length), 'base64url'))
    const theirs = other.board().opening({ board: board.id, token })
    expect(await refusalOf(put(board.id, theirs))).toBe('409 BOARD_TAKEN')
    expect(await refusalOf(put(board.id, board.opening({ token: '00'.repeat(32) })))).toBe('409 BOARD_TAKEN')
    await indexOf(await rooms.post(board, 'still ours'))
  })

  it('is one of so many of its owner', async () => {
    for (let n = 0; n < 4; n++) await rooms.open(party)
    const board = party.board()
    expect(await refusalOf(put(board.id, board.opening()))).toBe('403 BOARD_QUOTA')
  })

  it('is there after the process was killed', async () => {
    const board = await rooms.open(party)
    await rooms.post(board, 'hello')
    rooms = rooms.restart()
    expect((await rooms.page(board)).messages).toHaveLength(1)
    expect(await indexOf(await rooms.post(board, 'again'))).toBe(2)
  })
})

describe('who opens a board', () => {
  it('is an owner of the list, as it is now', async () => {
    const stranger = createParty(rooms.clock)
    const board = stranger.board()
    expect(await refusalOf(put(board.id, board.opening()))).toBe('403 BOARD_OWNER')
    rooms.admit([stranger])
    await rooms.open(stranger)
    writeFileSync(join(rooms.folder, '../owners.json'), '{"owners":[{}]}')
    expect(await refusalOf(put(board.id, board.opening()))).toBe('403 BOARD_OWNER')
  })

  it('signed it, for this deployment, this board and today', async () => {
    const { now } = rooms.clock
    const board = party.board()
    const opened = (change: object): Promise<string> => refusalOf(put(board.id, board.opening(change)))
    expect(await opened({ genesis: '00'.repeat(32) })).toBe('400 ROOM_OTHER')
    expect(await opened({ board: '11'.repeat(32) })).toBe('400 ROOM_OTHER')
    expect(await opened({ createdAt: now - 86_401 })).toBe('400 BOARD_TIME')
    expect(await opened({ createdAt: now + 86_400 })).toBe('400 BOARD_TIME')
    expect(await opened({ owner: createParty(rooms.clock).key })).toBe('403 ROOM_SIGNATURE')
    expect(await refusalOf(put(board.id, '{}'))).toBe('400 ROOM_DOCUMENT')
    expect(await refusalOf(put(board.id, 'x'.repeat(8193)))).toBe('413 HTTP_BODY_TOO_LARGE')
    expect((await put(board.id, board.opening())).status).toBe(200)
  })

  it('signed these very bytes: with any character changed it opens nothing', async () => {
    const board = party.board()
    const opening = board.opening()
    const place = fc.nat({ max: opening.length - 1 })
    const other = fc.constantFrom('A', 'b', '7', '"', '{', ',', ' ', '\u0000', '\u00e9')
    await fc.assert(
      fc.asyncProperty(place, other, async (at, character) => {
        fc.pre(opening[at] !== character)
        const changed = `${opening.slice(0, at)}${character}${opening.slice(at + 1)}`
        expect(await refusalOf(put(board.id, changed))).toMatch(/^40[03] ROOM_/)
      }),
      { numRuns: 100 },
    )
    for (const cutAt of [0, 1, 50, opening.length - 1])
      expect(await refusalOf(put(board.id, opening.slice(0, cutAt)))).toBe('400 ROOM_DOCUMENT')
    expect(await refusalOf(put(board.id, `${opening}\n`))).toBe('400 ROOM_DOCUMENT')
    expect((await put(board.id, opening)).status).toBe(200)
  })

  it('no longer writes once it is shut out, but still reads', async () => {
    const board = await rooms.open(party)
    const file = content(100)
    await rooms.upload(board, file)
    await rooms.post(board, 'hello')
    await rooms.begin(board, content(200, 2))
    rooms.admit([])
    expect(await refusalOf(rooms.post(board, 'more'))).toBe('403 BOARD_OWNER')
    expect(await refusalOf(rooms.begin(board, content(10, 3)))).toBe('403 BOARD_OWNER')
    expect(await refusalOf(rooms.patch(board, sha256(content(200, 2)), 0, content(200, 2)))).toBe(
      '403 BOARD_OWNER',
    )
    expect((await rooms.page(board)).messages).toHaveLength(1)
    expect(await bytesOf(await rooms.read(board, sha256(file)))).toEqual(file)
  })
})

const DIGEST = sha256(content(100))
const ROUTES: [string, string, string?][] = [
  ['POST', '/messages', 'a message'],
  ['GET', '/messages'],
  ['POST', '/files', JSON.stringify({ digest: DIGEST, bytes: 100 })],
  ['GET', `/files/${DIGEST}`],
  ['HEAD', `/files/${DIGEST}`],
  ['GET', `/files/${DIGEST}/state`],
  ['PATCH', `/files/${DIGEST}`, 'bytes'],
]

describe('without its token', () => {
  const stranger = (): string => `Bearer ${Buffer.from(crypto.randomBytes(32)).toString('base64url')}`

  it.each(ROUTES)('%s %s says of a board that is there what it says of none', async (method, path, body) => {
    const board = await rooms.open(party)
    await rooms.upload(board, content(100))
    const right = board.bearer.authorization
    const wrong = [
      {},
      { authorization: '' },
      { authorization: stranger() },
      { authorization: right.slice(0, -1) },
      { authorization: `${right}A` },
      { authorization: right.replace('Bearer', 'Basic') },
      { authorization: right.slice('Bearer '.length) },
    ]
    const answers = new Set<string>()
    const ask = async (id: string, headers: Record<string, string>): Promise<void> => {
      const response = await rooms.call(method, `/v1/boards/${id}${path}`, body, headers)
      answers.add(JSON.stringify([response.status, [...response.headers], await response.text()]))
    }
    for (const headers of wrong) await ask(board.id, headers as Record<string, string>)
    const none = toHex(crypto.randomBytes(32))
    for (const headers of [...wrong, board.bearer]) await ask(none, headers as Record<string, string>)
    for (const odd of ['x', board.id.toUpperCase(), `${board.id}0`, '%2e%2e%2f', "'%20or%201=1"])
      await ask(odd, board.bearer)
    expect([...answers]).toEqual([
      expect.stringMatching(method === 'HEAD' ? /^\[404/ : /^\[404.*BOARD_UNKNOWN/),
    ])
  })

  it('nobody gets in by the digest of nothing: a header without a token opens no board', async () => {
    for (const nothing of [new Uint8Array(), new Uint8Array(32)]) {
      const board = party.board()
      await put(board.id, board.opening({ token: sha256(nothing) }))
      for (const authorization of ['', 'Bearer', 'Bearer ', 'Bearer x']) {
        const asked = rooms.call('GET', `/v1/boards/${board.id}/messages`, undefined, { authorization })
        expect(await refusalOf(asked)).toBe('404 BOARD_UNKNOWN')
      }
    }
  })
})

it('two boards never see each other, even of one owner and with the same bytes', async () => {
  const [one, two] = [await rooms.open(party), await rooms.open(party)]
  const file = content(1000)
  await rooms.upload(one, file)
  await rooms.post(one, 'same')
  expect(await rooms.page(two)).toEqual({ messages: [], more: false })
  expect(await refusalOf(rooms.read(two, sha256(file)))).toBe('404 BOARD_FILE_UNKNOWN')
  const crossed = rooms.call('GET', `/v1/boards/${two.id}/messages`, undefined, one.bearer)
  expect(await refusalOf(crossed)).toBe('404 BOARD_UNKNOWN')
  expect(await (await rooms.begin(two, file)).json()).toMatchObject({ offset: 0, complete: false })
  expect(await indexOf(await rooms.post(two, 'same'))).toBe(1)
  expect(await refusalOf(rooms.patch(two, sha256(file), 0, content(1000, 9)))).toBe('422 BOARD_DIGEST')
  expect(await bytesOf(await rooms.read(one, sha256(file)))).toEqual(file)
})

it('what it tells of a refusal is its code alone', async () => {
  const board = await rooms.open(party)
  await rooms.post(board, '')
  await rooms.read(board, 'nothing')
  await rooms.call('GET', '/v1/other')
  expect(rooms.errors).toEqual(['BOARD_REQUEST', 'BOARD_FILE_UNKNOWN', 'HTTP_NOT_FOUND'])
})
