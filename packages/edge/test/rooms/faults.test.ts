import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SottoError } from '@sotto/protocol/errors'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBoards } from '../../src/rooms/boards.ts'
import { openRoomsDatabase, type RoomsDatabase } from '../../src/rooms/database.ts'
import { type FileFolder, openFileFolder } from '../../src/rooms/file-folder.ts'
import { type Files, openFiles } from '../../src/rooms/files.ts'
import { content, refusalOf, sha256 } from '../registry/parties.ts'
import { bytesOf, createParty, fileOf, GENESIS, indexOf, openTestRooms, type TestRooms } from './parties.ts'

const FILE = content(10_000)
const DIGEST = sha256(FILE)

function admitted(options: { maxPages?: number; maxBoards?: number } = {}): {
  rooms: TestRooms
  party: ReturnType<typeof createParty>
} {
  const rooms = openTestRooms(options)
  const party = createParty(rooms.clock)
  rooms.admit([party])
  return { rooms, party }
}

describe('with a full disk', () => {
  it('a file says so, keeps what it had, and goes on when there is room', async () => {
    const { rooms, party } = admitted()
    const board = await rooms.open(party)
    await rooms.begin(board, FILE)
    await rooms.patch(board, DIGEST, 0, FILE.slice(0, 4000))
    const files = join(rooms.folder, 'files')
    const path = join(files, readdirSync(files)[0]!)
    rmSync(path)
    symlinkSync('/dev/full', path)
    const rest = (): Promise<Response> => rooms.patch(board, DIGEST, 4000, FILE.slice(4000))
    expect(await refusalOf(rest())).toBe('507 BOARD_DISK_FULL')
    expect(await rooms.state(board, DIGEST)).toMatchObject({ offset: 4000 })
    await indexOf(await rooms.post(board, 'messages are elsewhere'))
    rmSync(path)
    writeFileSync(path, FILE.slice(0, 4000))
    expect(await fileOf(await rest())).toMatchObject({ complete: true })
  })

  it('a message that is not kept has no index, and the same request works when there is room', async () => {
    const { rooms, party } = admitted({ maxPages: 40 })
    const board = await rooms.open(party)
    let kept = 0
    let refused = ''
    while (refused === '') {
      const answer = await rooms.post(board, content(5000, kept + 1))
      if (answer.status === 200) expect(await indexOf(answer)).toBe(++kept)
      else refused = await refusalOf(Promise.resolve(answer))
    }
    expect(refused).toBe('507 BOARD_DISK_FULL')
    expect(kept).toBeGreaterThan(3)
    expect((await rooms.page(board)).messages).toHaveLength(kept)
    expect(await indexOf(await rooms.post(board, content(5000, 1)))).toBe(1)
    const after = rooms.restart()
    expect((await after.page(board)).messages).toHaveLength(kept)
  })

  it('no file begins that is not kept, none leaves anything behind, and sweeping makes room', async () => {
    const { rooms, party } = admitted({ maxPages: 14 })
    const board = await rooms.open(party)
    const begun: Uint8Array[] = []
    let refused = ''
    while (refused === '') {
      const file = content(100, begun.length + 1)
      file.set([begun.length & 255, begun.length >> 8])
      const answer = await rooms.begin(board, file)
      if (answer.status === 200) begun.push(file)
      else refused = await refusalOf(Promise.resolve(answer))
    }
    expect(refused).toBe('507 BOARD_DISK_FULL')
    expect(begun.length).toBeGreaterThan(3)
    expect(readdirSync(join(rooms.folder, 'files'))).toHaveLength(begun.length)
    expect(await rooms.upload(board, begun[0]!)).toMatchObject({ complete: true })
    rooms.clock.now += 86_400
    rooms.tick()
    expect(readdirSync(join(rooms.folder, 'files'))).toEqual([])
    await rooms.open(party)
  })

  it('no board opens that is not kept', async () => {
    const { rooms, party } = admitted({ maxPages: 14, maxBoards: 4096 })
    const open: string[] = []
    let refused = ''
    while (refused === '') {
      const board = party.board()
      const answer = await rooms.call('PUT', `/v1/boards/${board.id}`, board.opening())
      if (answer.status === 200) {
        await rooms.page(board)
        open.push(board.id)
      } else refused = await refusalOf(Promise.resolve(answer))
    }
    expect(refused).toBe('507 BOARD_DISK_FULL')
    expect(open.length).toBeGreaterThan(3)
    rooms.clock.now += 86_400
    expect(rooms.tick()).toEqual({ boards: open.length, uploads: 0 })
  })
})

interface Broken {
  files: Files
  folder: FileFolder
  files_: string
  database: RoomsDatabase
  board: string
  /** What the next transaction throws, instead of anything. */
  fail: { with: Error | undefined }
}

/** Files over a database whose transactions fail when a test says so, and one board. */
function broken(pace?: { graceMs: number; minBytesPerSecond: number }): Broken {
  const store = mkdtempSync(join(tmpdir(), 'sotto-rooms-'))
  onTestFinished(() => rmSync(store, { recursive: true, force: true }))
  const real = openRoomsDatabase(join(store, 'boards.db'))
  onTestFinished(() => real.close())
  const fail: Broken['fail'] = { with: undefined }
  const database: RoomsDatabase = {
    ...real,
    transaction(work) {
      if (fail.with) throw fail.with
      real.transaction(work)
    },
  }
  const folder = openFileFolder(join(store, 'files'))
  const boards = openBoards(database, { maxBoards: 1, now: () => 5 })
  const board = 'cd'.repeat(32)
  const about = { format: 'sotto-room-board/1', genesis: GENESIS, createdAt: 5 } as const
  boards.open({ ...about, owner: 'k', board, token: '00'.repeat(32) })
  const files = openFiles({ database, boards, folder, now: () => 5, ...(pace && { pace }) })
  return { files, folder, files_: join(store, 'files'), database, board, fail }
}

const QUOTA = { key: 'k', models: 1, bytes: 100_000 }
const ANNOUNCED = { digest: DIGEST, bytes: FILE.length }
const stream = (bytes: Uint8Array): ReadableStream<Uint8Array> => new Blob([bytes as BlobPart]).stream()

describe('a store that fails', () => {
  const full = new SottoError('BOARD_DISK_FULL', 'retry', 'full')

  it('begins no file and leaves none', () => {
    const { files, files_, board, fail } = broken()
    fail.with = full
    expect(() => files.begin(board, ANNOUNCED, QUOTA)).toThrow(full)
    expect(readdirSync(files_)).toEqual([])
    fail.with = undefined
    expect(files.begin(board, ANNOUNCED, QUOTA)).toMatchObject({ offset: 0 })
  })

  it('has a part again that it could not note', async () => {
    const { files, files_, board, fail } = broken()
    files.begin(board, ANNOUNCED, QUOTA)
    fail.with = full
    await expect(files.append(board, DIGEST, 0, stream(FILE.slice(0, 6000)))).rejects.toBe(full)
    fail.with = undefined
    expect(files.state(board, DIGEST)).toMatchObject({ offset: 0, complete: false })
    expect(await files.append(board, DIGEST, 0, stream(FILE))).toMatchObject({ complete: true })
    expect(readFileSync(join(files_, readdirSync(files_)[0]!)).equals(FILE)).toBe(true)
  })

  it('completes a file at the next request that it could not note as complete', async () => {
    const { files, database, board } = broken()
    files.begin(board, ANNOUNCED, QUOTA)
    database.db.exec(
      "CREATE TRIGGER refuses BEFORE UPDATE OF complete ON files BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    await expect(files.append(board, DIGEST, 0, stream(FILE))).rejects.toMatchObject({
      code: 'BOARD_STORE_FAILED',
    })
    expect(files.state(board, DIGEST)).toMatchObject({ offset: 10_000, complete: false })
    expect(() => files.read(board, DIGEST)).toThrow('not all of this file')
    database.db.exec('DROP TRIGGER refuses')
    expect(await files.append(board, DIGEST, 10_000, stream(new Uint8Array()))).toMatchObject({
      complete: true,
    })
  })

  it('does not lose a row over a file that cannot be removed', async () => {
    const { files, folder, files_, board } = broken()
    files.begin(board, ANNOUNCED, QUOTA)
    const [id] = readdirSync(files_)
    const refused = files.append(board, DIGEST, 0, stream(content(10_000, 3)))
    await expect(refused).rejects.toMatchObject({ code: 'BOARD_DIGEST' })
    // A folder in the place of a file: nothing that is removed as one.
    mkdirSync(folder.path(id!))
    expect(() => folder.remove(id!)).not.toThrow()
    expect(files.begin(board, ANNOUNCED, QUOTA)).toMatchObject({ offset: 0 })
  })
})

it('a part that comes too slowly is kept as far as it came, and holds its file no longer', async () => {
  const { files, board } = broken({ graceMs: 20, minBytesPerSecond: 1e9 })
  files.begin(board, ANNOUNCED, QUOTA)
  const stalled = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(FILE.slice(0, 300)),
  })
  await expect(files.append(board, DIGEST, 0, stalled)).rejects.toMatchObject({ code: 'HTTP_BODY_CUT' })
  expect(files.state(board, DIGEST)).toMatchObject({ offset: 300, complete: false })
  expect(await files.append(board, DIGEST, 300, stream(FILE.slice(300)))).toMatchObject({ complete: true })
  expect(await bytesOf(new Response(files.read(board, DIGEST).read(0, 10_000)))).toEqual(FILE)
})
