import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { MAX_BOARD_PART_BYTES } from '@sotto/protocol/room'
import { beforeEach, describe, expect, it } from 'vitest'
import { content, refusalOf, sha256 } from '../registry/parties.ts'
import {
  bytesOf,
  createParty,
  cut,
  fileOf,
  openTestRooms,
  type Party,
  type TestBoard,
  type TestRooms,
} from './parties.ts'

const FILE = content(10_000)
const DIGEST = sha256(FILE)
let rooms: TestRooms
let party: Party
let board: TestBoard

beforeEach(async () => {
  rooms = openTestRooms()
  party = createParty(rooms.clock)
  rooms.admit([party])
  board = await rooms.open(party)
})

const stored = (): string[] => readdirSync(join(rooms.folder, 'files'))
const storedFile = (): string => join(rooms.folder, 'files', stored()[0]!)
const patch = (offset: number | string, body: BodyInit): Promise<Response> =>
  rooms.patch(board, DIGEST, offset, body)

describe('a file', () => {
  it('is whole however it was cut into parts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1000, max: 12_000 }),
        fc.integer({ min: 1, max: 250 }),
        async (part, seed) => {
          const bytes = content(10_000, seed)
          expect(await rooms.upload(board, bytes, part)).toEqual({
            digest: sha256(bytes),
            bytes: 10_000,
            offset: 10_000,
            complete: true,
          })
          expect(await bytesOf(await rooms.read(board, sha256(bytes)))).toEqual(bytes)
        },
      ),
      { numRuns: 8 },
    )
  })

  it('keeps what arrived before its sender went away', async () => {
    await rooms.begin(board, FILE)
    expect(await refusalOf(patch(0, cut(FILE.slice(0, 4000))))).toBe('408 HTTP_BODY_CUT')
    expect(await rooms.state(board, DIGEST)).toMatchObject({ offset: 4000, complete: false })
    expect(await fileOf(await patch(4000, FILE.slice(4000)))).toMatchObject({ complete: true })
    expect(await bytesOf(await rooms.read(board, DIGEST))).toEqual(FILE)
  })

  it('is the same one when it is begun again, and goes on after the process was killed', async () => {
    await rooms.begin(board, FILE)
    await patch(0, FILE.slice(0, 3000))
    rooms.close()
    // Written past what the database knows.
    writeFileSync(storedFile(), 'other bytes', { flag: 'a' })
    rooms = rooms.reopen()
    expect(await fileOf(await rooms.begin(board, FILE))).toMatchObject({ offset: 3000 })
    expect(await fileOf(await patch(3000, FILE.slice(3000)))).toMatchObject({ complete: true })
    expect(await bytesOf(await rooms.read(board, DIGEST))).toEqual(FILE)
    expect(await fileOf(await rooms.begin(board, FILE))).toMatchObject({ complete: true, offset: 10_000 })
  })

  it('of which the disk lost something is begun again, and what no row names is thrown away', async () => {
    await rooms.begin(board, FILE)
    await patch(0, FILE.slice(0, 3000))
    await rooms.upload(board, content(500, 2))
    const unfinished = stored().find((id) => readFileSync(join(rooms.folder, 'files', id)).length === 3000)!
    rooms.close()
    truncateSync(join(rooms.folder, 'files', unfinished), 2999)
    writeFileSync(join(rooms.folder, 'files', 'ff'.repeat(16)), 'left by a killed process')
    rooms = rooms.reopen()
    expect(stored()).toHaveLength(1)
    expect(await refusalOf(patch(3000, FILE.slice(3000)))).toBe('404 BOARD_FILE_UNKNOWN')
    expect(await rooms.upload(board, FILE)).toMatchObject({ complete: true })
    rooms.close()
    for (const id of stored()) rmSync(join(rooms.folder, 'files', id))
    rooms = rooms.reopen()
    expect(await fileOf(await rooms.begin(board, FILE))).toMatchObject({ offset: 0, complete: false })
  })

  it('says where it is to whoever is elsewhere, and two who push at once make one whole file', async () => {
    await rooms.begin(board, FILE)
    await patch(0, FILE.slice(0, 100))
    const elsewhere = await patch(0, FILE)
    expect([elsewhere.status, elsewhere.headers.get('upload-offset')]).toEqual([409, '100'])
    expect(await elsewhere.json()).toMatchObject({ error: { code: 'BOARD_OFFSET', action: 'retry' } })
    const push = async (): Promise<void> => {
      for (let at = 100; at < FILE.length;) {
        const response = await patch(at, FILE.slice(at, at + 777))
        at = Number(response.headers.get('upload-offset'))
      }
    }
    await Promise.all([push(), push(), push()])
    expect(await bytesOf(await rooms.read(board, DIGEST))).toEqual(FILE)
  })

  it('of other bytes than announced is thrown away, and its space is free again', async () => {
    rooms.admit([{ ...party, bytes: 10_000 }])
    await rooms.begin(board, FILE)
    const other = FILE.slice()
    other[5000]! ^= 1
    expect(await refusalOf(patch(0, other))).toBe('422 BOARD_DIGEST')
    expect(await refusalOf(patch(0, FILE))).toBe('404 BOARD_FILE_UNKNOWN')
    expect(stored()).toEqual([])
    expect(await rooms.upload(board, FILE)).toMatchObject({ complete: true })
  })

  it('takes no more than was announced, nor more than 32 MiB at once', async () => {
    await rooms.begin(board, FILE)
    expect(await refusalOf(patch(0, content(10_001)))).toBe('413 HTTP_BODY_TOO_LARGE')
    const large = rooms.call('PATCH', `/v1/boards/${board.id}/files/${DIGEST}`, FILE, {
      ...board.bearer,
      'upload-offset': '0',
      'content-length': String(MAX_BOARD_PART_BYTES + 1),
    })
    expect(await refusalOf(large)).toBe('413 HTTP_BODY_TOO_LARGE')
    const huge = content(MAX_BOARD_PART_BYTES + 10, 7)
    await rooms.begin(board, huge)
    const parts = new Blob([huge]).stream()
    expect(await refusalOf(rooms.patch(board, sha256(huge), 0, parts))).toBe('413 HTTP_BODY_TOO_LARGE')
    for (const offset of ['', '-1', '1e3', '0x1', '9'.repeat(16)])
      expect(await refusalOf(patch(offset, FILE))).toBe('415 HTTP_MEDIA_TYPE')
    expect(await rooms.state(board, DIGEST)).toMatchObject({ offset: 0 })
  })
})

describe('a file is announced', () => {
  const announce = (body: string): Promise<string> =>
    refusalOf(rooms.call('POST', `/v1/boards/${board.id}/files`, body, board.bearer))

  it.each([
    '',
    'null',
    '[]',
    '{}',
    '{"digest":"ab","bytes":1}',
    `{"digest":"${DIGEST.toUpperCase()}","bytes":1}`,
    `{"digest":"${DIGEST}"}`,
    `{"digest":"${DIGEST}","bytes":0}`,
    `{"digest":"${DIGEST}","bytes":-1}`,
    `{"digest":"${DIGEST}","bytes":1.5}`,
    `{"digest":"${DIGEST}","bytes":"1"}`,
    `{"digest":"${DIGEST}","bytes":9007199254740993}`,
    `{"digest":"${DIGEST}","bytes":1,"bytes":2}`,
    `{"digest":"${DIGEST}","bytes":1,"path":"/etc"}`,
    `{"digest":["${DIGEST}"],"bytes":1}`,
    '[[[[[[[[[[[[[[[[[[[[',
  ])('and %s announces none', async (body) => {
    expect(await announce(body)).toBe('400 BOARD_REQUEST')
    expect(stored()).toEqual([])
  })

  it('in text, and not in much of it', async () => {
    expect(await announce('x'.repeat(1025))).toBe('413 HTTP_BODY_TOO_LARGE')
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 1024 }), async (bytes) => {
        const asked = rooms.call('POST', `/v1/boards/${board.id}/files`, bytes as BodyInit, board.bearer)
        expect(await refusalOf(asked)).toBe('400 BOARD_REQUEST')
      }),
      { numRuns: 50 },
    )
  })

  it('with one size', async () => {
    await rooms.begin(board, FILE)
    expect(await refusalOf(rooms.begin(board, FILE, 9_999))).toBe('422 BOARD_DIGEST')
  })

  it('where its owner has space for it whole, on all its boards together', async () => {
    const second = await rooms.open(party)
    rooms.admit([{ ...party, bytes: 10_005 }])
    await rooms.begin(board, FILE)
    expect((await rooms.post(second, '12345')).status).toBe(200)
    expect(await refusalOf(rooms.post(second, '6'))).toBe('403 BOARD_QUOTA')
    expect(await refusalOf(rooms.begin(second, content(100, 2)))).toBe('403 BOARD_QUOTA')
    const other = createParty(rooms.clock)
    rooms.admit([{ ...party, bytes: 10_005 }, other])
    expect((await rooms.begin(await rooms.open(other), content(100, 2))).status).toBe(200)
  })

  it('where the board has not as many as it may', async () => {
    await rooms.begin(board, FILE)
    rooms.close()
    const { DatabaseSync } = await import('node:sqlite')
    const db = new DatabaseSync(join(rooms.folder, 'boards.db'))
    db.exec(
      `INSERT INTO files (id, board, digest, bytes, offset, complete, touched_at)
       WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 4096)
       SELECT 'f' || i, '${board.id}', 'd' || i, 1, 0, 0, ${rooms.clock.now} FROM n`,
    )
    db.close()
    for (let n = 2; n <= 4096; n++) writeFileSync(join(rooms.folder, 'files', `f${n}`), '')
    rooms = rooms.reopen()
    expect(await refusalOf(rooms.begin(board, content(100, 2)))).toBe('403 BOARD_QUOTA')
    expect((await rooms.begin(board, FILE)).status).toBe(200)
  })
})

describe('a file is read', () => {
  beforeEach(() => rooms.upload(board, FILE))

  it('whole, or its size without it', async () => {
    const response = await rooms.read(board, DIGEST)
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '10000'])
    expect(await bytesOf(response)).toEqual(FILE)
    const head = await rooms.read(board, DIGEST, undefined, 'HEAD')
    expect([head.status, head.headers.get('content-length'), head.body]).toEqual([200, '10000', null])
  })

  it('by any one range', async () => {
    const place = fc.record({ start: fc.nat({ max: 9999 }), length: fc.integer({ min: 1, max: 12_000 }) })
    await fc.assert(
      fc.asyncProperty(place, async ({ start, length }) => {
        const end = Math.min(start + length, 10_000)
        const response = await rooms.read(board, DIGEST, `bytes=${start}-${start + length - 1}`)
        expect(response.status).toBe(206)
        expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/10000`)
        expect(await bytesOf(response)).toEqual(FILE.slice(start, end))
      }),
      { numRuns: 20 },
    )
    expect(await bytesOf(await rooms.read(board, DIGEST, 'bytes=-10'))).toEqual(FILE.slice(9990))
  })

  it.each([
    'bytes=10000-',
    'bytes=9-8',
    'bytes=-0',
    'bytes=-',
    'bytes=0-1,4-5',
    'chars=0-1',
    'bytes=1e3-',
    '',
  ])('not by %j', async (range) => {
    expect(await refusalOf(rooms.read(board, DIGEST, range))).toBe('416 BOARD_RANGE')
  })

  it('only when it is complete, and only by its own digest', async () => {
    const other = content(500, 2)
    await rooms.begin(board, other)
    await rooms.patch(board, sha256(other), 0, other.slice(0, 499))
    expect(await refusalOf(rooms.read(board, sha256(other)))).toBe('404 BOARD_FILE_UNKNOWN')
    for (const digest of ['..%2f..%2fboards.db', 'boards.db', stored()[0]!, DIGEST.toUpperCase(), '%00'])
      expect(await refusalOf(rooms.read(board, digest))).toBe('404 BOARD_FILE_UNKNOWN')
  })

  it('no matter what stands in path and headers, else it is refused', async () => {
    const word = fc.string({ maxLength: 80 }).map(encodeURIComponent)
    const header = fc.stringMatching(/^[\x21-\x7e]{0,60}$/)
    await fc.assert(
      fc.asyncProperty(word, header, header, async (path, range, offset) => {
        for (const method of ['GET', 'PATCH', 'POST', 'PUT', 'DELETE']) {
          const body = method === 'GET' ? undefined : 'x'
          const response = await rooms.call(method, `/v1/boards/${board.id}/files/${path}`, body, {
            ...board.bearer,
            range,
            'upload-offset': offset,
          })
          expect([400, 404, 415]).toContain(response.status)
        }
      }),
      { numRuns: 40 },
    )
    expect(await bytesOf(await rooms.read(board, DIGEST))).toEqual(FILE)
  })
})

describe('what rests is swept:', () => {
  it('unfinished files, and not what is complete', async () => {
    await rooms.upload(board, FILE)
    await rooms.begin(board, content(500, 2))
    rooms.clock.now += 3599
    expect(rooms.tick()).toEqual({ boards: 0, uploads: 0 })
    await rooms.begin(board, content(600, 3))
    rooms.clock.now += 1
    expect(rooms.tick()).toEqual({ boards: 0, uploads: 1 })
    expect(stored()).toHaveLength(2)
    expect(await refusalOf(rooms.patch(board, sha256(content(500, 2)), 0, content(500, 2)))).toBe(
      '404 BOARD_FILE_UNKNOWN',
    )
    expect(await bytesOf(await rooms.read(board, DIGEST))).toEqual(FILE)
  })

  it.each<[string, () => Promise<unknown>]>([
    ['a message', () => rooms.post(board, 'still here')],
    ['an announcement', () => rooms.begin(board, content(600, 3))],
    ['a part', () => rooms.patch(board, sha256(content(500, 2)), 0, content(500, 2).slice(0, 10))],
  ])('boards with all they have, unless %s came', async (_, write) => {
    const silent = await rooms.open(party)
    await rooms.upload(silent, FILE)
    await rooms.post(silent, 'hello')
    await rooms.begin(board, content(500, 2))
    rooms.clock.now += 80_000
    await write()
    await rooms.page(silent)
    rooms.clock.now += 6400
    expect(rooms.tick()).toMatchObject({ boards: 1 })
    const asked = rooms.call('GET', `/v1/boards/${silent.id}/messages`, undefined, silent.bearer)
    expect(await refusalOf(asked)).toBe('404 BOARD_UNKNOWN')
    await rooms.page(board)
    rooms.clock.now += 86_400
    expect(rooms.tick()).toMatchObject({ boards: 1 })
    expect(stored()).toEqual([])
    rooms = rooms.restart()
    expect(existsSync(join(rooms.folder, 'boards.db'))).toBe(true)
    rooms.admit([{ ...party, bytes: 10_000 }])
    await rooms.upload(await rooms.open(party), FILE)
  })

  it('a board that is opened again after that is empty', async () => {
    await rooms.post(board, 'hello')
    await rooms.upload(board, FILE)
    rooms.clock.now += 86_400
    rooms.tick()
    const opened = await rooms.call('PUT', `/v1/boards/${board.id}`, board.opening())
    expect(opened.status).toBe(200)
    expect(await rooms.page(board)).toEqual({ messages: [], more: false })
    expect(await refusalOf(rooms.read(board, DIGEST))).toBe('404 BOARD_FILE_UNKNOWN')
  })

  it('a board swept while a message or a part of a file comes gets neither', async () => {
    await rooms.begin(board, FILE)
    const slowly = (bytes: Uint8Array): ReadableStream =>
      new ReadableStream({
        pull(controller) {
          rooms.clock.now += 86_400
          rooms.tick()
          controller.enqueue(bytes)
          controller.close()
        },
      })
    expect(await refusalOf(patch(0, slowly(FILE)))).toBe('404 BOARD_FILE_UNKNOWN')
    board = await rooms.open(party)
    expect(await refusalOf(rooms.post(board, slowly(FILE)))).toBe('404 BOARD_UNKNOWN')
    expect(stored()).toEqual([])
  })
})
