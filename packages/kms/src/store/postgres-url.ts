import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type { SottoError } from '@sotto/protocol/errors'
import { kmsError } from '../errors.ts'

/** Environment variable with the URL of the database. It may hold a password: it is never logged. */
export const DATABASE_URL = 'SOTTO_KMS_DATABASE_URL'

/** Where a database is and who we are there. */
export interface PostgresAddress {
  /** A name, an address, or the directory of a Unix socket. */
  host: string
  port: number
  user: string
  password: string | undefined
  database: string
  /** What the TLS connection must show; absent: no TLS. */
  tls: ConnectionOptions | undefined
}

const DEFAULT_PORT = 5432
const MAX_URL_LENGTH = 4096
const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const
const PARAMETERS = ['host', 'port', 'user', 'password', 'dbname', 'sslmode', 'sslrootcert']

/**
 * Reads a libpq connection URI (https://www.postgresql.org/docs/current/libpq-connect.html, 34.1.1.2), the operator's
 * to choose: nothing the database answers is believed. `sslmode` is `disable`, `require` (encrypted, certificate not
 * looked at), `verify-ca` or `verify-full`; absent, it is `require`, and `disable` for sockets and loopback. `prefer`
 * and `allow` are refused, because whoever sits between would choose. What is wrong is said without quoting the URL.
 * @throws `KMS_STORE_ACCESS`
 */
export function parseDatabaseUrl(text: string | undefined): PostgresAddress {
  if (text === undefined || text === '') throw unusable('the variable is not set')
  const url = text.length <= MAX_URL_LENGTH ? URL.parse(text) : null
  if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol)) throw unusable('it is no postgresql:// URL')
  const query = readQuery(url)
  const host = query.get('host') ?? decode(url.hostname).replace(/^\[(.*)\]$/, '$1')
  const database = query.get('dbname') ?? decode(url.pathname.slice(1))
  const user = query.get('user') ?? decode(url.username)
  if (host === '') throw unusable('it names no host')
  if (database === '' || database.includes('/')) throw unusable('it names no database')
  if (user === '') throw unusable('it names no user')
  const password = query.get('password') ?? decode(url.password)
  return {
    host,
    port: readPort(query.get('port') ?? url.port),
    user,
    password: password === '' ? undefined : password,
    database,
    tls: readTls(query, host),
  }
}

/** An error about the URL or what it leads to; it never quotes the URL. */
export function unusable(why: string, cause?: unknown): SottoError {
  return kmsError('KMS_STORE_ACCESS', `the database of ${DATABASE_URL} cannot be used: ${why}`, {
    hint: `${DATABASE_URL}=postgresql://user:password@host/database?sslmode=verify-full`,
    ...(cause !== undefined && { cause }),
  })
}

function readQuery(url: URL): Map<string, string> {
  const query = new Map<string, string>()
  for (const [name, value] of url.searchParams) {
    if (!PARAMETERS.includes(name))
      throw unusable(`it has a parameter that is none of ${PARAMETERS.join(', ')}`)
    if (query.has(name)) throw unusable(`it gives ${name} twice`)
    query.set(name, value)
  }
  return query
}

function readPort(text: string): number {
  if (text === '') return DEFAULT_PORT
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535) throw unusable('its port is none')
  return port
}

function readTls(query: Map<string, string>, host: string): ConnectionOptions | undefined {
  const isLocal = host.startsWith('/') || host === 'localhost' || host === '127.0.0.1' || host === '::1'
  const mode = query.get('sslmode') ?? (isLocal ? 'disable' : 'require')
  if (!SSL_MODES.some((known) => known === mode))
    throw unusable(`its sslmode is none of ${SSL_MODES.join(', ')}`)
  if (mode === 'disable') return undefined
  if (mode === 'require') return { rejectUnauthorized: false }
  const path = query.get('sslrootcert')
  const ca = path === undefined ? {} : { ca: readRoots(path) }
  // verify-ca asks who signed the certificate, not whose it is.
  return {
    rejectUnauthorized: true,
    ...ca,
    ...(mode === 'verify-ca' && { checkServerIdentity: () => undefined }),
  }
}

function readRoots(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw unusable('the file of sslrootcert cannot be read', cause)
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw unusable('it is not percent-encoded')
  }
}
