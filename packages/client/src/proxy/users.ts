import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import {
  areDistinct,
  base64url,
  boolean,
  hex,
  integer,
  list,
  literal,
  members,
  object,
  parseStrictJson,
  partial,
  refine,
  text,
} from '@sotto/protocol/jcs'
import { clientError } from '../errors.ts'

/** Bounds on one user. */
export interface UserLimits {
  /** Requests in a minute, evenly; as many may come at once after a pause. 1 to 1,000,000. @default no bound */
  requestsPerMinute?: number
  /** Requests at once, those that wait included. 1 to 10,000. @default no bound */
  concurrent?: number
}

/** What is kept of an API key. */
export interface UserKey {
  /** Public name of the key, 6 bytes in hexadecimal: it is in the key. */
  id: string
  /** 16 random bytes, base64url. */
  salt: string
  /** {@link hashKey} of the key, 32 bytes in base64url. */
  hash: string
}

/** Somebody who may use a proxy. */
export interface ProxyUser {
  /** 1 to 64 letters, digits and `. _ @ -`: also what a client certificate names. */
  name: string
  /** Absent: known by a certificate only. */
  key?: UserKey
  limits?: UserLimits
  /** Refused until this is gone. @default false */
  disabled?: boolean
}

/** The users of a proxy, as their file holds them. */
export interface ProxyUsers {
  version: 1
  /** At most 10,000, each name and key once. */
  users: ProxyUser[]
}

/** Largest file: 10,000 users take a quarter of it. */
export const MAX_USERS_BYTES: number = 8 * 1024 * 1024
const MAX_USERS = 10_000

/** What a user may be called. */
export const USER_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

/** A key as its user presents it: `sk-sotto-`, its public name, 32 random bytes. */
const KEY = /^sk-sotto-([0-9a-f]{12})-[A-Za-z0-9_-]{43}$/

const ID_BYTES = 6
const SALT_BYTES = 16
const SECRET_BYTES = 32
const HASH_BYTES = 32

const user = members<ProxyUser>(
  { name: text(64, USER_NAME) },
  {
    key: object<UserKey>({ id: hex(ID_BYTES), salt: base64url(SALT_BYTES), hash: base64url(HASH_BYTES) }),
    limits: partial<UserLimits>({ requestsPerMinute: integer(1, 1_000_000), concurrent: integer(1, 10_000) }),
    disabled: boolean(),
  },
)
const decoder = refine(
  object<ProxyUsers>({ version: literal(1), users: list(user, 0, MAX_USERS) }),
  ({ users }) => {
    if (!areDistinct(users.map(({ name }) => name))) return 'a name stands there twice'
    const ids = users.flatMap(({ key }) => (key === undefined ? [] : [key.id]))
    return areDistinct(ids) ? undefined : 'a key stands there twice'
  },
)

/** Reads a file of users. @throws `PROXY_CONFIG`, without a word of the file */
export function parseProxyUsers(file: string): ProxyUsers {
  try {
    return decoder(parseStrictJson(file, { maxBytes: MAX_USERS_BYTES }), 'file')
  } catch (cause) {
    const { message, expected, found } = cause as { message: string; expected?: string; found?: string }
    throw clientError('PROXY_CONFIG', `the file of users is not one: ${message}`, {
      cause,
      ...(expected !== undefined && { expected }),
      ...(found !== undefined && { found }),
    })
  }
}

/** The text of a file of users. @throws `PROXY_CONFIG` users that such a file cannot hold */
export function encodeProxyUsers(users: ProxyUsers): string {
  const file = `${JSON.stringify(users, null, 2)}\n`
  parseProxyUsers(file)
  return file
}

/** A new key, and what is kept of it. The key itself is shown once, and kept nowhere. */
export function newUserKey(): { secret: string; key: UserKey } {
  const id = randomBytes(ID_BYTES).toString('hex')
  const secret = `sk-sotto-${id}-${randomBytes(SECRET_BYTES).toString('base64url')}`
  const salt = randomBytes(SALT_BYTES)
  return {
    secret,
    key: { id, salt: salt.toString('base64url'), hash: hashKey(secret, salt).toString('base64url') },
  }
}

/**
 * What is kept of a key: SHA-256 of a purpose, the salt and the key. A slow hash makes up for secrets that people choose.
 * This one has 256 random bits: nobody tries them through, however fast the hash.
 */
function hashKey(secret: string, salt: Uint8Array): Buffer {
  return createHash('sha256').update('sotto-proxy-key-v1\0').update(salt).update(secret).digest()
}

/** Users by what they present. */
export interface UserIndex {
  /** Who has this key. Takes as long for a wrong key as for none. Undefined when nobody does. */
  byKey(secret: string): ProxyUser | undefined
  /** Who is called so. */
  byName(name: string): ProxyUser | undefined
}

/** Nobody's: what a key is compared with whose name is unknown. */
const NOBODY = { salt: Buffer.alloc(SALT_BYTES), hash: Buffer.alloc(HASH_BYTES) }

/** Makes an index. Names of keys are public; the rest of a key is compared in constant time. */
export function indexUsers({ users }: ProxyUsers): UserIndex {
  const names = new Map(users.map((one) => [one.name, one]))
  const keys = new Map<string, { owner: ProxyUser; salt: Buffer; hash: Buffer }>()
  for (const owner of users)
    if (owner.key !== undefined) {
      const { id, salt, hash } = owner.key
      keys.set(id, { owner, salt: Buffer.from(salt, 'base64url'), hash: Buffer.from(hash, 'base64url') })
    }
  return {
    byKey(secret) {
      const id = KEY.exec(secret)?.[1]
      const known = id === undefined ? undefined : keys.get(id)
      const { salt, hash } = known ?? NOBODY
      const isSame = timingSafeEqual(hashKey(secret, salt), hash)
      return isSame ? known?.owner : undefined
    },
    byName: (name) => names.get(name),
  }
}
