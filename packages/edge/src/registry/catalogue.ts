import { toHex, utf8 } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import { canonicalJson } from '@sotto/protocol/jcs'
import {
  isRemovedBy,
  type LoggedModelDocument,
  MAX_LISTED_MODELS,
  type ModelList,
  type ModelName,
  type ModelRemoval,
  type ModelStatement,
  ownerTag,
} from '@sotto/protocol/sealed-models'
import { createRateLimiter, type RateLimiter } from '@sotto/serve/limits'
import type { LogClient } from '@sotto/serve/log-client'
import { edgeError } from '../errors.ts'
import type { OwnerQuota } from '../owners/index.ts'
import type { RegistryDatabase } from './database.ts'
import { requireRoom, usageOf } from './usage.ts'

/** Which models there are, and what their owners decided about them. */
export interface Catalogue {
  /**
   * Shows a statement, once the log has it. The same envelope again gives the same answer.
   * @throws `REGISTRY_VERSION`, `REGISTRY_BLOB_MISSING`, `REGISTRY_MODEL_REMOVED`, `REGISTRY_QUOTA`,
   * `REGISTRY_DISK_FULL`, `REGISTRY_STORE_FAILED`, `LOG_UNREACHABLE`, `LOG_REFUSED`, `LOG_INVALID`
   */
  publish(statement: ModelStatement, envelope: string, quota: OwnerQuota): Promise<LoggedModelDocument>
  /**
   * Stops serving at once, then puts the removal in the log. The same envelope again continues what failed.
   * @throws `REGISTRY_MODEL_UNKNOWN`, `REGISTRY_MODEL_REMOVED`; store and log as `publish`
   */
  remove(removal: ModelRemoval, envelope: string): Promise<LoggedModelDocument>
  /** Whether this owner ever published anything here. */
  knows(owner: string): boolean
  /** @throws `REGISTRY_MODEL_UNKNOWN`, `REGISTRY_MODEL_REMOVED` */
  find(name: ModelName): LoggedModelDocument
  list(query: { tag: string; name?: string; after?: string }): ModelList
  /**
   * Puts removals into the log that it would not take before. One that it refuses, or never answers, holds up no other.
   * @throws the first failure, when all were tried or the log is not there
   */
  finishRemovals(): Promise<void>
}

/** What a catalogue is made of. */
export interface CatalogueOptions {
  database: RegistryDatabase
  log: Pick<LogClient, 'append'>
  maxUploads: number
  /** Unix seconds. */
  now: () => number
}

type ModelRow = { version: number; document: string | null; expires_at: number | null; name: string }

/** Version 0 stands for all of them. */
const ALL = 0
/** Entries of one owner in the log: a few at once, then one in ten seconds. */
const LOG_RATE = { capacity: 32, perSecond: 0.1 }
/** Removals that are put into the log at one time. */
const REMOVALS_AT_ONCE = 64

/** Makes a {@link Catalogue} over an open store. */
export function openCatalogue({ database, log, maxUploads, now }: CatalogueOptions): Catalogue {
  const { db, guarded, transaction } = database
  const rates = new Map<string, RateLimiter>()
  /** The last removal that was tried again: the next round goes on after it. */
  let lastTried = 0

  /**
   * Nobody fills the log. Taken for what is new only: statements and removals are public, and whoever sends one again
   * takes nothing from its owner.
   * @throws `HTTP_TOO_MANY`
   */
  function takeLogEntry(owner: string): void {
    const limit = rates.get(owner) ?? createRateLimiter(LOG_RATE)
    rates.set(owner, limit)
    limit.take()
  }

  async function append(envelope: string): Promise<LoggedModelDocument> {
    const { index, checkpoint, proof } = await log.append(utf8(envelope))
    return { envelope, index, proof: proof.map(toHex), checkpoint: checkpoint.note }
  }

  /** The stored answer where this very statement is shown already. @throws where it must not be shown */
  function judge(
    statement: ModelStatement,
    envelope: string,
    quota: OwnerQuota,
  ): LoggedModelDocument | undefined {
    const { owner, name, version, digest, bytes } = statement
    const tag = ownerTag(owner)
    const same = row('SELECT * FROM models WHERE tag = ? AND name = ? AND version = ?', tag, name, version)
    if (same?.document != null) {
      const shown = JSON.parse(same.document) as LoggedModelDocument
      if (shown.envelope === envelope) return shown
    }
    if (statement.expiresAt !== undefined && statement.expiresAt <= now())
      throw gone('the statement has expired')
    for (const removal of removalsOf(owner, name))
      if (isRemovedBy(statement, { ...statement, format: 'sotto-model-removal/1', ...removal }))
        throw gone('the owner removed what this statement shows')
    const highest = highestOf(tag, name)
    if (highest !== undefined && version <= highest)
      throw edgeError('REGISTRY_VERSION', `version ${highest} of this model was published before`, {
        expected: `a version above ${highest}`,
        found: `${version}`,
      })
    const blob = guarded(() => db.prepare('SELECT bytes FROM blobs WHERE digest = ?').get(digest)) as
      | { bytes: number }
      | undefined
    if (blob?.bytes !== bytes)
      throw edgeError('REGISTRY_BLOB_MISSING', 'the sealed file that the statement names was not uploaded', {
        hint: 'Upload it first (sotto models push does).',
      })
    const announced = guarded(() =>
      db.prepare('SELECT 1 FROM uploads WHERE owner = ? AND digest = ?').get(owner, digest),
    )
    requireRoom(usageOf(database, owner), { models: 1, bytes: announced ? 0 : bytes }, quota, maxUploads)
    return undefined
  }

  function row(sql: string, ...values: (string | number)[]): ModelRow | undefined {
    return guarded(() => db.prepare(sql).get(...values)) as ModelRow | undefined
  }

  function removalsOf(owner: string, name: string): { version: number | 'all'; createdAt: number }[] {
    const rows = guarded(() =>
      db.prepare('SELECT version, created_at FROM removals WHERE owner = ? AND name = ?').all(owner, name),
    ) as { version: number; created_at: number }[]
    return rows.map(({ version, created_at: createdAt }) => ({
      version: version === ALL ? 'all' : version,
      createdAt,
    }))
  }

  function highestOf(tag: string, name: string): number | undefined {
    return row('SELECT * FROM models WHERE tag = ? AND name = ? ORDER BY version DESC LIMIT 1', tag, name)
      ?.version
  }

  async function logRemoval(envelope: string): Promise<LoggedModelDocument> {
    const document = await append(envelope)
    guarded(() =>
      db
        .prepare('UPDATE removals SET document = ? WHERE envelope = ?')
        .run(Buffer.from(canonicalJson(document)).toString(), envelope),
    )
    return document
  }

  return {
    async publish(statement, envelope, quota) {
      const shown = judge(statement, envelope, quota)
      if (shown !== undefined) return shown
      takeLogEntry(statement.owner)
      const document = await append(envelope)
      const { owner, name, version, digest, bytes, createdAt, expiresAt } = statement
      // Another request may have been faster while the log was asked.
      const meanwhile = judge(statement, envelope, quota)
      if (meanwhile !== undefined) return meanwhile
      transaction(() => {
        db.prepare(
          'INSERT INTO models (owner, tag, name, version, digest, bytes, created_at, expires_at, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ).run(
          owner,
          ownerTag(owner),
          name,
          version,
          digest,
          bytes,
          createdAt,
          expiresAt ?? null,
          Buffer.from(canonicalJson(document)).toString(),
        )
        db.prepare('DELETE FROM uploads WHERE owner = ? AND digest = ? AND complete = 1').run(owner, digest)
      })
      return document
    },
    async remove(removal, envelope) {
      const { owner, name, version, createdAt } = removal
      const earlier = guarded(() =>
        db.prepare('SELECT document FROM removals WHERE envelope = ?').get(envelope),
      ) as { document: string | null } | undefined
      if (earlier !== undefined)
        return earlier.document === null
          ? logRemoval(envelope)
          : (JSON.parse(earlier.document) as LoggedModelDocument)
      const number = version === 'all' ? ALL : version
      const covered = 'owner = ?1 AND name = ?2 AND (?3 = 0 OR version = ?3) AND created_at <= ?4'
      const known = row(
        `SELECT * FROM models WHERE owner = ? AND name = ? AND (?3 = 0 OR version = ?3)`,
        owner,
        name,
        number,
      )
      if (known === undefined) throw unknown()
      const served = row(
        `SELECT * FROM models WHERE ${covered} AND document IS NOT NULL`,
        owner,
        name,
        number,
        createdAt,
      )
      if (served === undefined) throw gone('it was removed before')
      takeLogEntry(owner)
      transaction(() => {
        db.prepare(
          'INSERT INTO removals (owner, name, version, created_at, envelope) VALUES (?, ?, ?, ?, ?)',
        ).run(owner, name, number, createdAt, envelope)
        db.prepare(`UPDATE models SET document = NULL WHERE ${covered}`).run(owner, name, number, createdAt)
      })
      return logRemoval(envelope)
    },
    knows: (owner) => row('SELECT * FROM models WHERE tag = ? LIMIT 1', ownerTag(owner)) !== undefined,
    find({ tag, name, version }) {
      const wanted = version === undefined ? '' : 'AND version = ?'
      const select = `SELECT * FROM models WHERE tag = ? AND name = ? ${wanted}`
      const values = version === undefined ? [tag, name] : [tag, name, version]
      if (row(`${select} LIMIT 1`, ...values) === undefined) throw unknown()
      const found = row(
        `${select} AND document IS NOT NULL AND (expires_at IS NULL OR expires_at > ?) ORDER BY version DESC LIMIT 1`,
        ...values,
        now(),
      )
      if (found?.document == null) throw gone('the owner removed it, or it expired')
      return JSON.parse(found.document) as LoggedModelDocument
    },
    list({ tag, name, after }) {
      const [afterName = '', afterVersion = 0] = after === undefined ? [] : parseCursor(after)
      const rows = guarded(() =>
        db
          .prepare(
            `SELECT name, version, document FROM models WHERE tag = ?1 AND (?2 = '' OR name = ?2)
               AND document IS NOT NULL AND (expires_at IS NULL OR expires_at > ?3)
               AND (name > ?4 OR (name = ?4 AND version > ?5)) ORDER BY name, version LIMIT ?6`,
          )
          .all(tag, name ?? '', now(), afterName, afterVersion, MAX_LISTED_MODELS + 1),
      ) as { name: string; version: number; document: string }[]
      const page = rows.slice(0, MAX_LISTED_MODELS)
      const last = page.at(-1)
      const highest = name === undefined ? undefined : highestOf(tag, name)
      return {
        models: page.map(({ document }) => {
          const { envelope, index } = JSON.parse(document) as LoggedModelDocument
          return { envelope, index }
        }),
        ...(rows.length > page.length && last && { next: `${last.name}:${last.version}` }),
        ...(highest !== undefined && { highest }),
      }
    },
    async finishRemovals() {
      const rows = guarded(() =>
        db
          .prepare('SELECT id, envelope FROM removals WHERE document IS NULL ORDER BY id <= ?, id LIMIT ?')
          .all(lastTried, REMOVALS_AT_ONCE),
      ) as { id: number; envelope: string }[]
      let failure: unknown
      for (const { id, envelope } of rows) {
        // Before it is tried: the next round does not begin with what ended this one.
        lastTried = id
        try {
          await logRemoval(envelope)
        } catch (error) {
          failure ??= error
          // What is not there answers the next one neither.
          if (hasCode(error, 'LOG_UNREACHABLE')) break
        }
      }
      if (failure !== undefined) throw failure
    },
  }
}

/** `name:version`, as a page before this one ended. @throws `REGISTRY_MODEL_UNKNOWN` */
function parseCursor(text: string): [string, number] {
  const [, name, version] = /^([a-z0-9][a-z0-9._-]{0,62}):(\d{1,10})$/.exec(text) ?? []
  if (name === undefined) throw edgeError('REGISTRY_MODEL_UNKNOWN', 'this is no place in a list of models')
  return [name, Number(version)]
}

function unknown(): Error {
  return edgeError('REGISTRY_MODEL_UNKNOWN', 'the registry has no model of this name')
}

function gone(message: string): Error {
  return edgeError('REGISTRY_MODEL_REMOVED', message)
}
