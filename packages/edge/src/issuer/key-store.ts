import { parseStrictJson } from '@sotto/protocol/jcs'
import type { ProvenStatement } from '@sotto/protocol/evidence'
import { type SigningKey, openSigningKey } from './blind-sign.ts'
import type { IssuerDatabase } from './database.ts'
import type { KeyLife } from './rotation.ts'

/** A key with its private half. */
export interface StoredKey extends KeyLife, SigningKey {}

/** Where a statement stands in the log. */
export interface LogPlace extends Pick<ProvenStatement, 'index' | 'proof'> {
  /** Witnessed checkpoint the proof leads to. */
  checkpoint: string
}

/** A statement as it was signed, and where it is logged; undefined: not yet, as far as is known. */
export interface StoredStatement {
  sequence: number
  envelope: string
  place: LogPlace | undefined
}

/** A key before it is stored. */
export interface NewKey {
  id: Uint8Array
  className: string
  pkcs8: Uint8Array
  notBefore: number
  notAfter: number
}

/** Token keys and the statements about them. */
export interface KeyStore {
  /** Keys that have not been dropped, oldest first. */
  keys(): StoredKey[]
  /** The newest statement, and the newest that is in the log. */
  latest(): StoredStatement | undefined
  latestLogged(): StoredStatement | undefined
  /** New keys and the statement that announces them, both or neither. */
  add(keys: readonly NewKey[], statement: { sequence: number; envelope: string }): void
  setPlace(sequence: number, place: LogPlace): void
  /** Destroys a private key: no file has it any more when this returns. */
  drop(id: Uint8Array): void
}

interface KeyRow {
  class: string
  pkcs8: Uint8Array
  not_before: number
  not_after: number
}

/** Token keys in the issuer's database. */
export function openKeyStore({ db, guarded, transaction, flush }: IssuerDatabase): KeyStore {
  const selectKeys = db.prepare(
    'SELECT class, pkcs8, not_before, not_after FROM token_keys ORDER BY not_after, id',
  )
  const insertKey = db.prepare(
    'INSERT INTO token_keys (id, class, pkcs8, not_before, not_after) VALUES (?, ?, ?, ?, ?)',
  )
  const deleteKey = db.prepare('DELETE FROM token_keys WHERE id = ?')
  const selectLatest = db.prepare(
    'SELECT sequence, envelope, place FROM statements ORDER BY sequence DESC LIMIT 1',
  )
  const selectLogged = db.prepare(
    'SELECT sequence, envelope, place FROM statements WHERE place IS NOT NULL ORDER BY sequence DESC LIMIT 1',
  )
  const insertStatement = db.prepare('INSERT INTO statements (sequence, envelope) VALUES (?, ?)')
  const updatePlace = db.prepare('UPDATE statements SET place = ? WHERE sequence = ?')

  function read(row: Record<string, unknown> | undefined): StoredStatement | undefined {
    if (row === undefined) return undefined
    const { sequence, envelope, place } = row as { sequence: number; envelope: string; place: string | null }
    return {
      sequence,
      envelope,
      place: place === null ? undefined : (parseStrictJson(place) as unknown as LogPlace),
    }
  }
  return {
    keys: () =>
      (guarded(() => selectKeys.all()) as unknown as KeyRow[]).map((row) => {
        const signing = openSigningKey(row.pkcs8)
        return {
          ...signing,
          className: row.class,
          truncatedId: signing.key.id.at(-1)!,
          notBefore: row.not_before,
          notAfter: row.not_after,
        }
      }),
    latest: () => read(guarded(() => selectLatest.get())),
    latestLogged: () => read(guarded(() => selectLogged.get())),
    add(keys, { sequence, envelope }) {
      transaction(() => {
        for (const { id, className, pkcs8, notBefore, notAfter } of keys)
          insertKey.run(id, className, pkcs8, notBefore, notAfter)
        insertStatement.run(sequence, envelope)
      })
    },
    setPlace: (sequence, place) => transaction(() => void updatePlace.run(JSON.stringify(place), sequence)),
    drop(id) {
      transaction(() => void deleteKey.run(id))
      flush()
    },
  }
}
