import { SottoError } from '@sotto/protocol/errors'
import type { SecureContextOptions } from 'node:tls'
import type { ProxyLog } from './log.ts'
import { loadTls, type ProxyTls } from './tls.ts'
import { indexUsers, type UserIndex } from './users.ts'
import { readProxyUsers } from './users-file.ts'
import { type FileWatch, watchFiles } from './watch-files.ts'

/** Files that a running proxy reads again, and who takes over what they say. */
export interface ReloadOptions {
  usersFile: string | undefined
  tls: ProxyTls | undefined
  periodMs: number
  log: ProxyLog
  onUsers: (users: UserIndex) => void
  onTls: (context: SecureContextOptions) => void
}

/** Watches certificates and users. What cannot be used changes nothing, and is written to the log. */
export function watchReloads(options: ReloadOptions): Promise<FileWatch> {
  const { usersFile, tls, log, onUsers, onTls } = options
  const onLoaded = (failure?: unknown): void =>
    failure === undefined ? log('reloaded') : log('reload-failed', { code: codeOf(failure) })
  const users = usersFile !== undefined && {
    paths: [usersFile],
    onLoaded,
    load: async () => onUsers(indexUsers(await readProxyUsers(usersFile))),
  }
  const certificates = tls !== undefined && {
    paths: [tls.certFile, tls.keyFile, ...(tls.clientCaFile === undefined ? [] : [tls.clientCaFile])],
    onLoaded,
    load: async () => onTls(await loadTls(tls)),
  }
  return watchFiles(
    [users, certificates].filter((group) => group !== false),
    options.periodMs,
  )
}

function codeOf(failure: unknown): string {
  return failure instanceof SottoError ? failure.code : 'INTERNAL'
}
