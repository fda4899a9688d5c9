import { closeSync, openSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { createHash, type Hash } from 'node:crypto'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { MAX_UPLOAD_PART_BYTES, type UploadIntent, type UploadState } from '@sotto/protocol/sealed-models'
import { createTurns } from '@sotto/protocol/turns'
import { serveError } from '@sotto/serve/errors'
import { pacedBody, type PaceLimits, PART_PACE } from '@sotto/serve/limits'
import { edgeError } from '../errors.ts'
import { type BlobFiles, hashFile, sizeOf } from './blobs.ts'
import { type RegistryDatabase, registryStoreError } from './database.ts'
import type { OwnerQuota } from './owners.ts'
import { requireRoom, usageOf } from './usage.ts'

/** Uploads that can be continued after anything: a lost connection, a killed client, a killed registry. */
export interface Uploads {
  /**
   * Begins an upload, or finds the one that this owner began before with the same bytes.
   * @throws `REGISTRY_QUOTA`, `REGISTRY_DISK_FULL`, `REGISTRY_STORE_FAILED`
   */
  open(intent: UploadIntent, quota: OwnerQuota): Promise<UploadState>
  /**
   * Stores what arrives, at most 32 MiB, and says how far it is. What arrived before the sender went away is kept.
   * The last byte completes it: the digest is compared and the file put in its place.
   * @throws `REGISTRY_UPLOAD_UNKNOWN`, `REGISTRY_OFFSET`, `REGISTRY_DIGEST`, `REGISTRY_DISK_FULL`,
   * `REGISTRY_STORE_FAILED`, `HTTP_BODY_TOO_LARGE`, `HTTP_BODY_CUT`
   */
  append(id: string, offset: number, body: AsyncIterable<Uint8Array>): Promise<UploadState>
  /** @throws `REGISTRY_UPLOAD_UNKNOWN` */
  read(id: string): UploadState
}

/** What uploads are made of. */
export interface UploadsOptions {
  database: RegistryDatabase
  files: BlobFiles
  maxUploads: number
  /** Unix seconds. */
  now: () => number
  /** How slowly parts may come. Default {@link PART_PACE}. */
  pace?: PaceLimits
}

/** Uploads whose hashes are kept between requests. */
const MAX_HASHES = 256

type Row = { id: string; digest: string; bytes: number; offset: number; complete: number }

/** Makes {@link Uploads} over an open store. */
export function openUploads({ database, files, maxUploads, now, pace = PART_PACE }: UploadsOptions): Uploads {
  const { db, guarded } = database
  /** One writer of an upload at a time. */
  const inTurn = createTurns()
  /** Hashes of what is stored so far, so that a whole file need not be read again at the end. */
  const hashes = new Map<string, { hash: Hash; at: number }>()

  function find(id: string): Row {
    const row = guarded(() => db.prepare('SELECT * FROM uploads WHERE id = ?').get(id)) as Row | undefined
    if (row === undefined)
      throw edgeError(
        'REGISTRY_UPLOAD_UNKNOWN',
        'no such upload; it expired, or its bytes had another digest',
        {
          hint: 'Begin the upload again.',
        },
      )
    return row
  }

  function note(id: string, offset: number, isComplete = false): void {
    guarded(() =>
      db
        .prepare('UPDATE uploads SET offset = ?, complete = ?, touched_at = ? WHERE id = ?')
        .run(offset, Number(isComplete), now(), id),
    )
  }

  /** The oldest are forgotten first: whoever left them there may come back, and then the file is read once more. */
  function remember(id: string, state: { hash: Hash; at: number }): void {
    for (const oldest of hashes.size < MAX_HASHES ? [] : hashes.keys()) {
      hashes.delete(oldest)
      break
    }
    hashes.set(id, state)
  }

  async function complete(row: Row): Promise<void> {
    const { id, digest, bytes } = row
    const known = hashes.get(id)
    const hash = known?.at === bytes ? known.hash : await hashFile(files.part(id), bytes)
    hashes.delete(id)
    if (hash.digest('hex') !== digest) {
      guarded(() => db.prepare('DELETE FROM uploads WHERE id = ?').run(id))
      files.removePart(id)
      throw edgeError('REGISTRY_DIGEST', 'what was uploaded has not the digest that was announced')
    }
    // Nothing else runs between these lines; a process killed there takes the file back when it starts again.
    settle(id, digest, bytes)
  }

  /** The file in its place and the note of it, or neither: then the upload can be completed again. */
  function settle(id: string, digest: string, bytes: number): void {
    const isNew = !files.has(digest)
    try {
      if (isNew) files.place(id, digest)
      database.transaction(() => {
        db.prepare('INSERT OR IGNORE INTO blobs (digest, bytes) VALUES (?, ?)').run(digest, bytes)
        db.prepare('UPDATE uploads SET offset = bytes, complete = 1, touched_at = ? WHERE id = ?').run(
          now(),
          id,
        )
      })
    } catch (error) {
      try {
        if (isNew) files.takeBack(id, digest)
      } catch {
        // The next start does. Whoever uploads is told what went wrong first.
      }
      throw registryStoreError(error)
    }
    files.removePart(id)
  }

  async function store(row: Row, body: AsyncIterable<Uint8Array>): Promise<number> {
    const { id } = row
    const known = hashes.get(id)
    const fresh = row.offset === 0 ? { hash: createHash('sha256'), at: 0 } : undefined
    const state = known?.at === row.offset ? known : fresh
    hashes.delete(id)
    let at = row.offset
    let failure: unknown
    const file = await open(files.part(id), 'r+').catch((error: unknown) => {
      throw registryStoreError(error)
    })
    try {
      try {
        for await (const part of bounded(pacedBody(body, pace), row)) {
          await writeAll(file, part, at)
          state?.hash.update(part)
          at += part.length
        }
      } catch (error) {
        failure = error
      }
      // What arrived before a failure is kept, as far as the disk takes it.
      await file.datasync().catch((error: unknown) => {
        throw failure ?? registryStoreError(error)
      })
    } finally {
      await file.close()
    }
    note(id, at)
    if (state !== undefined) remember(id, { ...state, at })
    if (failure !== undefined) throw failure
    return at
  }

  return {
    async open({ owner, digest, bytes }, quota) {
      const existing = guarded(() =>
        db.prepare('SELECT * FROM uploads WHERE owner = ? AND digest = ?').get(owner, digest),
      ) as Row | undefined
      if (existing !== undefined && existing.bytes === bytes) return stateOf(existing)
      if (existing !== undefined)
        throw edgeError('REGISTRY_DIGEST', 'an upload of this digest was announced with another size', {
          expected: `${existing.bytes} bytes`,
          found: `${bytes}`,
        })
      const isHere = guarded(() => db.prepare('SELECT bytes FROM blobs WHERE digest = ?').get(digest)) as
        | { bytes: number }
        | undefined
      if (isHere !== undefined && isHere.bytes !== bytes)
        throw edgeError('REGISTRY_DIGEST', 'a file of this digest is here, and has another size')
      requireRoom(usageOf(database, owner), { bytes, uploads: 1 }, quota, maxUploads)
      const id = toHex(crypto.randomBytes(16))
      // The file first: a row always has one.
      if (isHere === undefined) createFile(files.part(id))
      const row: Row = {
        id,
        digest,
        bytes,
        offset: isHere ? bytes : 0,
        complete: Number(isHere !== undefined),
      }
      guarded(() =>
        db
          .prepare(
            'INSERT INTO uploads (id, owner, digest, bytes, offset, complete, touched_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
          )
          .run(id, owner, digest, bytes, row.offset, row.complete, now()),
      )
      return stateOf(row)
    },
    append: (id, offset, body) =>
      inTurn(id, async () => {
        const row = find(id)
        if (row.complete !== 0 || row.offset !== offset)
          throw edgeError('REGISTRY_OFFSET', `the upload is at byte ${row.offset}`, {
            expected: `${row.offset}`,
            found: `${offset}`,
          })
        if ((await store(row, body)) === row.bytes) await complete(row)
        return stateOf(find(id))
      }),
    read: (id) => stateOf(find(id)),
  }
}

function stateOf({ id, digest, bytes, offset, complete }: Row): UploadState {
  return { upload: id, digest, bytes, offset, complete: complete !== 0 }
}

/** At once: between looking for an upload and noting a new one nothing else may run. */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    throw registryStoreError(error)
  }
}

/** No more than the upload still needs, nor more than one request may bring. */
async function* bounded(body: AsyncIterable<Uint8Array>, { bytes, offset }: Row): AsyncGenerator<Uint8Array> {
  const most = Math.min(MAX_UPLOAD_PART_BYTES, bytes - offset)
  let seen = 0
  for await (const part of body) {
    seen += part.length
    if (seen > most)
      throw serveError('HTTP_BODY_TOO_LARGE', 'the body is too large', {
        expected: `at most ${most} bytes`,
      })
    yield part
  }
}

async function writeAll(file: FileHandle, part: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < part.length;) {
    try {
      const { bytesWritten } = await file.write(part, written, part.length - written, at + written)
      written += bytesWritten
    } catch (error) {
      throw registryStoreError(error)
    }
  }
}

/** What was being stored when the process ended, brought in line with the database. */
export function recoverUploads({ db, guarded }: RegistryDatabase, files: BlobFiles): void {
  const rows = guarded(() => db.prepare('SELECT * FROM uploads WHERE complete = 0').all()) as Row[]
  const placed = new Set(
    (guarded(() => db.prepare('SELECT digest FROM blobs').all()) as { digest: string }[]).map(
      ({ digest }) => digest,
    ),
  )
  const here = files.list()
  const waiting = new Set(rows.map(({ id }) => id))
  for (const { id, digest, offset } of rows) {
    if (!here.parts.includes(id) && here.blobs.includes(digest) && !placed.has(digest))
      files.takeBack(id, digest)
    const size = sizeOf(files.part(id))
    if (size < offset) guarded(() => db.prepare('DELETE FROM uploads WHERE id = ?').run(id))
  }
  for (const part of here.parts) if (!waiting.has(part)) files.removePart(part)
  for (const blob of files.list().blobs) if (!placed.has(blob)) files.removeBlob(blob)
}
