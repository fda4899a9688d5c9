import { access } from 'node:fs/promises'
import { withLock } from '../node/with-lock.ts'
import { writeWhole } from '../node/write-whole.ts'
import { readPrivateFile } from './private-file.ts'
import {
  encodeProxyUsers,
  MAX_USERS_BYTES,
  parseProxyUsers,
  type ProxyUser,
  type ProxyUsers,
} from './users.ts'

/** Reads a file of users. @throws `PROXY_CONFIG` unreadable, readable by others, or no such file */
export async function readProxyUsers(file: string): Promise<ProxyUsers> {
  return parseProxyUsers(await readPrivateFile(file, MAX_USERS_BYTES))
}

/**
 * Changes a file of users, which is made where there is none: whole or not at all, mode 0600, and nobody else changes it
 * meanwhile. A proxy that runs with it finds the change by itself.
 * @returns what `change` returns beside the users
 * @throws `PROXY_CONFIG` as {@link readProxyUsers}, and users that such a file cannot hold; `STORAGE_INVALID` another
 * process does not let go of it; what `change` throws; errors of the file system
 */
export function changeProxyUsers<T>(
  file: string,
  change: (users: readonly ProxyUser[]) => { users: readonly ProxyUser[]; result: T },
): Promise<T> {
  return withLock(file, async () => {
    const isThere = await access(file).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
    )
    const before = isThere ? (await readProxyUsers(file)).users : []
    const { users, result } = change(before)
    await writeWhole(file, encodeProxyUsers({ version: 1, users: [...users] }))
    return result
  })
}
