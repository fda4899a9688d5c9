import fc from 'fast-check'
import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { MAX_BOARD_MESSAGE_BYTES, MAX_BOARD_PAGE, MAX_BOARD_PAGE_BYTES } from '@sotto/protocol/room'
import { beforeEach, describe, expect, it } from 'vitest'
import { content, refusalOf } from '../registry/parties.ts'
import {
  createParty,
  cut,
  indexOf,
  openTestRooms,
  type Party,
  type TestBoard,
  type TestRooms,
} from './parties.ts'

let rooms: TestRooms
let party: Party
let board: TestBoard

beforeEach(async () => {
  rooms = openTestRooms()
  party = createParty(rooms.clock)
  rooms.admit([party])
  board = await rooms.open(party)
})

const messagesOf = async (): Promise<Uint8Array[]> => {
  const all: Uint8Array[] = []
  for (let more = true; more;) {
    const page = await rooms.page(board, all.length)
    for (const { index, message } of page.messages) {
      all.push(fromBase64Url(message))
      expect(index).toBe(all.length)
    }
    more = page.more
  }
  return all
}

describe('messages', () => {
  it('are there in the order of their indices, from 1 up without gaps, whatever bytes they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.uint8Array({ minLength: 1, maxLength: 3000 }), {
          maxLength: 100,
          selector: (bytes) => bytes.join(),
        }),
        async (list) => {
          rooms.admit([party])
          rooms.clock.now += 86_400
          rooms.tick()
          board = await rooms.open(party)
          for (const [at, bytes] of list.entries())
            expect(await indexOf(await rooms.post(board, bytes as BodyInit))).toBe(at + 1)
          expect(await messagesOf()).toEqual(list.map((bytes) => Uint8Array.from(bytes)))
        },
      ),
      { numRuns: 10 },
    )
  })

  it('that come again are the same message, also after others and when there is no space', async () => {
    const first = await indexOf(await rooms.post(board, 'first'))
    await rooms.post(board, 'second')
    rooms.admit([{ ...party, bytes: 11 }])
    expect(await indexOf(await rooms.post(board, 'first'))).toBe(first)
    expect(await refusalOf(rooms.post(board, 'third'))).toBe('403 BOARD_QUOTA')
    expect(await messagesOf()).toEqual(['first', 'second'].map(utf8))
  })

  it('posted at once each have an index of their own, and the same one only one', async () => {
    const posts = [...Array(20).keys()].flatMap((n) => [
      rooms.post(board, `m${n}`),
      rooms.post(board, `m${n}`),
    ])
    const indices = await Promise.all(posts.map(async (post) => indexOf(await post)))
    expect(indices.filter((index, at) => index !== indices[at ^ 1])).toEqual([])
    expect(new Set(indices)).toEqual(new Set([...Array(20).keys()].map((n) => n + 1)))
    expect(await messagesOf()).toHaveLength(20)
  })

  it('come page by page, with what is later known to be there', async () => {
    for (let n = 0; n < MAX_BOARD_PAGE + 1; n++) await rooms.post(board, `message ${n}`)
    const page = await rooms.page(board)
    expect([page.messages.length, page.more]).toEqual([MAX_BOARD_PAGE, true])
    expect(await rooms.page(board, MAX_BOARD_PAGE)).toMatchObject({ messages: [{ index: 65 }], more: false })
    expect((await rooms.page(board, 1)).more).toBe(false)
    expect(await rooms.page(board, 999_999_999)).toEqual({ messages: [], more: false })
  })

  it('of any length fit into pages, at least one into each', async () => {
    const long = content(MAX_BOARD_MESSAGE_BYTES)
    await rooms.post(board, long)
    // The first leaves no space for the second; the other three fill a page.
    for (const [at, bytes] of [4_195_000, 4_195_000, 4_190_000].entries())
      await rooms.post(board, content(bytes, at + 2))
    const counts: number[] = []
    for (let after = 0; after < 4;) {
      const response = await rooms.call(
        'GET',
        `/v1/boards/${board.id}/messages?after=${after}`,
        undefined,
        board.bearer,
      )
      const text = await response.text()
      expect(text.length).toBeLessThanOrEqual(MAX_BOARD_PAGE_BYTES)
      const { messages } = JSON.parse(text) as { messages: { message: string }[] }
      if (after === 0) expect(Buffer.from(messages[0]!.message, 'base64url').equals(long)).toBe(true)
      counts.push(messages.length)
      after += messages.length
    }
    expect(counts).toEqual([1, 3])
  })
})

describe('a message', () => {
  it('has a byte at least, and 8 MiB at most, however its length is told', async () => {
    expect(await refusalOf(rooms.post(board, ''))).toBe('400 BOARD_REQUEST')
    expect(await refusalOf(rooms.post(board, content(MAX_BOARD_MESSAGE_BYTES + 1)))).toBe(
      '413 HTTP_BODY_TOO_LARGE',
    )
    const declared = rooms.call('POST', `/v1/boards/${board.id}/messages`, 'x', {
      ...board.bearer,
      'content-length': String(MAX_BOARD_MESSAGE_BYTES + 1),
    })
    expect(await refusalOf(declared)).toBe('413 HTTP_BODY_TOO_LARGE')
    expect(await messagesOf()).toEqual([])
  })

  it('that was cut on its way is none', async () => {
    expect(await refusalOf(rooms.post(board, cut(utf8('half'))))).toBe('408 HTTP_BODY_CUT')
    expect(await messagesOf()).toEqual([])
  })

  it('of a board with ten thousand of them is one too many', async () => {
    await rooms.post(board, 'first')
    rooms.close()
    const { DatabaseSync } = await import('node:sqlite')
    const db = new DatabaseSync(`${rooms.folder}/boards.db`)
    db.exec(
      `INSERT INTO messages (board, number, digest, bytes, content)
       WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
       SELECT '${board.id}', i, CAST(i AS BLOB), 1, x'00' FROM n`,
    )
    db.close()
    rooms = rooms.reopen()
    expect(await refusalOf(rooms.post(board, 'one more'))).toBe('403 BOARD_QUOTA')
    expect((await rooms.page(board, 9_999)).messages.map(({ index }) => index)).toEqual([10_000])
    expect(await indexOf(await rooms.post(board, 'first'))).toBe(1)
  })
})

it.each(['-1', '1e3', ' 1', '0x1', '1.0', '9999999999', 'last', ''])('no page after %j', async (after) => {
  const asked = rooms.call(
    'GET',
    `/v1/boards/${board.id}/messages?after=${encodeURIComponent(after)}`,
    undefined,
    board.bearer,
  )
  expect(await refusalOf(asked)).toBe('400 BOARD_REQUEST')
})
