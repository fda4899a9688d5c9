import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { MAX_UPLOAD_PART_BYTES, type UploadIntent, type UploadState } from '@sotto/protocol/sealed-models'
import { createTurns } from '@sotto/protocol/turns'
import type { PaceLimits } from '@sotto/serve/limits'
import { edgeError } from '../errors.ts'
import type { OwnerQuota } from '../owners/index.ts'
import { createFile, sizeOf } from '../store/files.ts'
import { createGrowingFiles } from '../store/growing-files.ts'
import type { BlobFiles } from './blobs.ts'
import { type RegistryDatabase, registryStoreError } from './database.ts'
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
  /** How slowly parts may come. Default `PART_PACE`. */
  pace?: PaceLimits
}

type Row = { id: string; digest: string; bytes: number; offset: number; complete: number }

/** Makes {@link Uploads} over an open store. */
export function openUploads({ database, files, maxUploads, now, pace }: UploadsOptions): Uploads {
  const { db, guarded } = database
  /** One writer of an upload at a time. */
  const inTurn = createTurns()
  const growing = createGrowingFiles({
    errorOf: registryStoreError,
    maxPartBytes: MAX_UPLOAD_PART_BYTES,
    ...(pace && { pace }),
  })

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

  function note(id: string, offset: number): void {
    guarded(() =>
      db.prepare('UPDATE uploads SET offset = ?, touched_at = ? WHERE id = ?').run(offset, now(), id),
    )
  }

  async function complete(row: Row): Promise<void> {
    const { id, digest, bytes } = row
    if ((await growing.digest({ id, path: files.part(id), bytes })) !== digest) {
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
      if (isHere === undefined) createFile(files.part(id), registryStoreError)
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
        const file = { ...row, path: files.part(id) }
        if ((await growing.append(file, body, (at) => note(id, at))) === row.bytes) await complete(row)
        return stateOf(find(id))
      }),
    read: (id) => stateOf(find(id)),
  }
}

function stateOf({ id, digest, bytes, offset, complete }: Row): UploadState {
  return { upload: id, digest, bytes, offset, complete: complete !== 0 }
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
