import { readFileSync, statSync } from 'node:fs'
import { fromUtf8 } from '@sotto/protocol/bytes'
import { areDistinct, base64url, integer, list, object, parseStrictJson, refine } from '@sotto/protocol/jcs'
import { MAX_SEALED_BYTES, ownerTag } from '@sotto/protocol/sealed-models'
import { edgeError, type EdgeErrorCode } from '../errors.ts'

/** What one owner may keep here. */
export interface OwnerQuota {
  /** Ed25519 public key, base64url. */
  key: string
  /** Versions of models at a time, all names together. */
  models: number
  /** Bytes of what is sealed, unfinished uploads included. */
  bytes: number
}

/** Whom the operator lets in. */
export interface Owners {
  /** @throws the role's code of a stranger, also while the file cannot be read: nobody is let in by mistake */
  require(key: string): OwnerQuota
}

/** What a role tells a stranger. */
export interface OwnersOptions {
  code: EdgeErrorCode
  /** What this role does not do for one, in words. */
  stranger: string
}

const MAX_OWNERS = 4096
const MAX_FILE_BYTES = 1024 * 1024

const decode = refine(
  object({
    owners: list(
      object({
        key: base64url(32),
        models: integer(1, 65_536),
        bytes: integer(1, MAX_SEALED_BYTES * 1024),
      }),
      0,
      MAX_OWNERS,
    ),
  }),
  ({ owners }) => (areDistinct(owners.map(({ key }) => key)) ? undefined : 'an owner stands twice'),
)

/**
 * Opens the list of owners, a JSON file `{"owners":[{"key","models","bytes"}]}` of the operator. It is read again
 * when it changes, so that an owner is let in, or shut out, without a restart.
 */
export function openOwners(file: string, { code, stranger }: OwnersOptions): Owners {
  let stamp: string | undefined
  let byKey = new Map<string, OwnerQuota>()

  function refresh(): void {
    const { mtimeMs, size, ino } = statSync(file)
    const found = `${mtimeMs} ${size} ${ino}`
    if (found === stamp) return
    if (size > MAX_FILE_BYTES) throw edgeError(code, 'the list of owners is too large')
    const { owners } = decode(
      parseStrictJson(fromUtf8(readFileSync(file)), { maxBytes: MAX_FILE_BYTES }),
      'owners',
    )
    byKey = new Map(owners.map((owner) => [owner.key, owner]))
    stamp = found
  }

  return {
    require(key) {
      try {
        refresh()
      } catch (cause) {
        if (!isAbsent(cause))
          throw edgeError(code, 'the list of owners cannot be read, so nobody is let in', { cause })
        byKey.clear()
        stamp = undefined
      }
      const owner = byKey.get(key)
      if (owner === undefined)
        throw edgeError(code, stranger, {
          found: ownerTag(key),
          hint: 'Ask the operator to admit the owner.',
        })
      return owner
    },
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
