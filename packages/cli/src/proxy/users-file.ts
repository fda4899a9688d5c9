import { join, resolve } from 'node:path'
import { changeProxyUsers, type ProxyUser, USER_NAME, type UserLimits } from '@sotto/client/proxy'
import { configDirectory } from '../config/index.ts'
import { cliError } from '../errors.ts'
import type { Io } from '../framework/index.ts'
import { cannotWritePrivate } from '../input/index.ts'

/** Flag of every command that works on the users of a proxy. */
export const USERS_FLAG = {
  users: {
    type: 'string',
    value: 'FILE',
    summary: 'file of the users (default ~/.config/sotto/proxy-users.json)',
  },
} as const

/** Flags of commands that set what a user may ask for. */
export const LIMIT_FLAGS = {
  'requests-per-minute': {
    type: 'number',
    value: 'N',
    summary: 'requests in a minute at most',
    min: 1,
    max: 1_000_000,
    integer: true,
  },
  concurrent: {
    type: 'number',
    value: 'N',
    summary: 'requests at once at most',
    min: 1,
    max: 10_000,
    integer: true,
  },
} as const

/** Where users are. */
export function usersFile(io: Pick<Io, 'env' | 'cwd'>, flag: string | undefined): string {
  return flag === undefined ? join(configDirectory(io), 'proxy-users.json') : resolve(io.cwd, flag)
}

/** Limits as flags say them; undefined where they say none. */
export function limitsOf(flags: {
  'requests-per-minute': number | undefined
  concurrent: number | undefined
}): UserLimits | undefined {
  const { 'requests-per-minute': requestsPerMinute, concurrent } = flags
  if (requestsPerMinute === undefined && concurrent === undefined) return undefined
  return {
    ...(requestsPerMinute !== undefined && { requestsPerMinute }),
    ...(concurrent !== undefined && { concurrent }),
  }
}

/** A name that a user may have. @throws `CLI_USAGE` */
export function checkUserName(name: string): string {
  if (USER_NAME.test(name)) return name
  throw cliError('CLI_USAGE', 'this is no name of a user', {
    expected: '1 to 64 letters, digits and . _ @ -, with a letter or digit first',
  })
}

/**
 * Changes the users in a file.
 * @throws `PROXY_CONFIG` a file that is none, or others may read; `CLI_FILE` one that cannot be written
 */
export async function changeUsers<T>(
  file: string,
  change: (users: readonly ProxyUser[]) => { users: readonly ProxyUser[]; result: T },
): Promise<T> {
  try {
    return await changeProxyUsers(file, change)
  } catch (error) {
    if (error instanceof Error && 'action' in error) throw error
    throw cannotWritePrivate(file, error)
  }
}

/** Changes one user. @throws `CLI_USAGE` there is none of this name; as {@link changeUsers} */
export function changeUser(
  file: string,
  name: string,
  change: (user: ProxyUser) => ProxyUser | undefined,
): Promise<ProxyUser | undefined> {
  return changeUsers(file, (users) => {
    const user = users.find((one) => one.name === name)
    if (user === undefined)
      throw cliError('CLI_USAGE', `there is no user ${checkUserName(name)}`, {
        hint: 'sotto proxy users ls shows them',
      })
    const changed = change(user)
    return {
      users: users.flatMap((one) => (one !== user ? [one] : changed === undefined ? [] : [changed])),
      result: changed,
    }
  })
}
