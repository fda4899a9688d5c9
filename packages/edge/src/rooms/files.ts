import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type BoardFile, MAX_BOARD_PART_BYTES } from '@sotto/protocol/room'
import { createTurns } from '@sotto/protocol/turns'
import type { PaceLimits } from '@sotto/serve/limits'
import { edgeError } from '../errors.ts'
import type { ReadableFile } from '../http/file-answer.ts'
import type { OwnerQuota } from '../owners/index.ts'
import { createFile, streamFile } from '../store/files.ts'
import { createGrowingFiles } from '../store/growing-files.ts'
import type { Boards } from './boards.ts'
import { type RoomsDatabase, roomsStoreError } from './database.ts'
import type { FileFolder } from './file-folder.ts'
import { requireSpace } from './quota.ts'

/**
 * Sealed files of boards, which can be continued after anything. Each board has its own: that another one has the same
 * bytes is nothing that anybody here learns.
 */
export interface Files {
  /**
   * Begins a file, or finds the one that was begun before.
   * @throws `BOARD_UNKNOWN`, `BOARD_DIGEST`, `BOARD_QUOTA`, `BOARD_DISK_FULL`, `BOARD_STORE_FAILED`
   */
  begin(board: string, announced: { digest: string; bytes: number }, quota: OwnerQuota): BoardFile
  /**
   * Stores what arrives, at most 32 MiB, and says how far it is. What arrived before the sender went away is kept. The
   * last byte completes it: the digest is compared.
   * @throws `BOARD_FILE_UNKNOWN`, `BOARD_OFFSET`, `BOARD_DIGEST`, `BOARD_DISK_FULL`, `BOARD_STORE_FAILED`,
   * `HTTP_BODY_TOO_LARGE`, `HTTP_BODY_CUT`
   */
  append(board: string, digest: string, offset: number, body: AsyncIterable<Uint8Array>): Promise<BoardFile>
  /** @throws `BOARD_FILE_UNKNOWN` */
  state(board: string, digest: string): BoardFile
  /** A whole file. @throws `BOARD_FILE_UNKNOWN`, also where it is not complete */
  read(board: string, digest: string): ReadableFile
}

/** What files are made of. */
export interface FilesOptions {
  database: RoomsDatabase
  boards: Boards
  /** Where they lie. */
  folder: FileFolder
  /** Unix seconds. */
  now: () => number
  /** How slowly parts may come. Default `PART_PACE`. */
  pace?: PaceLimits
}

type Row = { id: string; board: string; digest: string; bytes: number; offset: number; complete: number }

/** Makes {@link Files} over an open store. */
export function openFiles({ database, boards, folder, now, pace }: FilesOptions): Files {
  const { db, guarded } = database
  /** One writer of a file at a time. */
  const inTurn = createTurns()
  const growing = createGrowingFiles({
    errorOf: roomsStoreError,
    maxPartBytes: MAX_BOARD_PART_BYTES,
    ...(pace && { pace }),
  })

  const known = (board: string, digest: string): Row | undefined =>
    guarded(() => db.prepare('SELECT * FROM files WHERE board = ? AND digest = ?').get(board, digest)) as
      | Row
      | undefined

  function find(board: string, digest: string): Row {
    const row = known(board, digest)
    if (row === undefined)
      throw edgeError('BOARD_FILE_UNKNOWN', 'the board has no such file; begin it again where it was begun')
    return row
  }

  function note({ id, board }: Row, offset: number): void {
    database.transaction(() => {
      db.prepare('UPDATE files SET offset = ?, touched_at = ? WHERE id = ?').run(offset, now(), id)
      db.prepare('UPDATE boards SET touched_at = ? WHERE id = ?').run(now(), board)
    })
  }

  async function complete({ id, digest, bytes }: Row): Promise<void> {
    if ((await growing.digest({ id, path: folder.path(id), bytes })) === digest) {
      guarded(() => db.prepare('UPDATE files SET complete = 1 WHERE id = ?').run(id))
      return
    }
    guarded(() => db.prepare('DELETE FROM files WHERE id = ?').run(id))
    folder.remove(id)
    throw edgeError('BOARD_DIGEST', 'what was uploaded has not the digest that was announced')
  }

  return {
    begin(id, { digest, bytes }, quota) {
      const board = boards.now(id)
      const existing = known(id, digest)
      if (existing !== undefined && existing.bytes !== bytes)
        throw edgeError('BOARD_DIGEST', 'a file of this digest was announced with another size', {
          expected: `${existing.bytes} bytes`,
          found: `${bytes}`,
        })
      if (existing !== undefined) return stateOf(existing)
      requireSpace(database, board, { what: 'files', bytes }, quota)
      const row: Row = { id: toHex(crypto.randomBytes(16)), board: id, digest, bytes, offset: 0, complete: 0 }
      // The file first: a row always has one.
      createFile(folder.path(row.id), roomsStoreError)
      try {
        database.transaction(() => {
          db.prepare(
            'INSERT INTO files (id, board, digest, bytes, offset, complete, touched_at) VALUES (?, ?, ?, ?, 0, 0, ?)',
          ).run(row.id, id, digest, bytes, now())
          db.prepare('UPDATE boards SET touched_at = ? WHERE id = ?').run(now(), id)
        })
      } catch (error) {
        folder.remove(row.id)
        throw error
      }
      return stateOf(row)
    },
    append: (board, digest, offset, body) =>
      inTurn(find(board, digest).id, async () => {
        const row = find(board, digest)
        if (row.complete !== 0 || row.offset !== offset)
          throw edgeError('BOARD_OFFSET', `the file is at byte ${row.offset}`, {
            expected: `${row.offset}`,
            found: `${offset}`,
          })
        const file = { ...row, path: folder.path(row.id) }
        if ((await growing.append(file, body, (at) => note(row, at))) === row.bytes) await complete(row)
        return stateOf(find(board, digest))
      }),
    state: (board, digest) => stateOf(find(board, digest)),
    read(board, digest) {
      const { id, bytes, complete: isComplete } = find(board, digest)
      if (isComplete === 0) throw edgeError('BOARD_FILE_UNKNOWN', 'the board has not all of this file yet')
      return { bytes, read: (start, end) => streamFile(folder.path(id), start, end) }
    },
  }
}

function stateOf({ digest, bytes, offset, complete }: Row): BoardFile {
  return { digest, bytes, offset, complete: complete !== 0 }
}
