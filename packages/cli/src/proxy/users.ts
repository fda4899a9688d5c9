import { newUserKey, type ProxyUser, readProxyUsers } from '@sotto/client/proxy'
import { cliError } from '../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../framework/index.ts'
import {
  changeUser,
  changeUsers,
  checkUserName,
  LIMIT_FLAGS,
  limitsOf,
  USERS_FLAG,
  usersFile,
} from './users-file.ts'

const NAME = { name: 'NAME', summary: 'name of the user', required: true } as const

/** `sotto proxy users add NAME` */
export const proxyUsersAdd: Command = defineCommand({
  path: ['proxy', 'users', 'add'],
  summary: 'Add a user of a proxy, with a key of its own',
  description:
    'Writes the user into the file that sotto proxy --users reads, and shows the key once: the file has a salted hash of\n' +
    'it. A proxy that runs takes the user in by itself. With --certificate there is no key: sotto proxy --client-ca knows\n' +
    'the user by the name in a client certificate.',
  arguments: [NAME],
  flags: {
    ...USERS_FLAG,
    ...LIMIT_FLAGS,
    certificate: { type: 'boolean', summary: 'known by a client certificate, without a key' },
  },
  examples: [
    'sotto proxy users add ada',
    'sotto proxy users add batch --requests-per-minute 60 --concurrent 4',
  ],
  async run(context, [text = ''], flags) {
    const name = checkUserName(text)
    const file = usersFile(context.io, flags.users)
    const limits = limitsOf(flags)
    const made = flags.certificate ? undefined : newUserKey()
    await changeUsers(file, (users) => {
      if (users.some((user) => user.name === name))
        throw cliError('CLI_USAGE', `there is a user ${name} already`, {
          hint: `sotto proxy users rotate ${name} makes another key`,
        })
      const user: ProxyUser = { name, ...(made && { key: made.key }), ...(limits && { limits }) }
      return { users: [...users, user], result: undefined }
    })
    sayKey(context, name, made?.secret)
  },
})

/** `sotto proxy users ls` */
export const proxyUsersLs: Command = defineCommand({
  path: ['proxy', 'users', 'ls'],
  summary: 'List the users of a proxy',
  description: 'Shows names, limits and the public names of keys. No key and no hash of one is shown.',
  flags: USERS_FLAG,
  examples: ['sotto proxy users ls', 'sotto proxy users ls --json'],
  async run(context, _args, flags) {
    const file = usersFile(context.io, flags.users)
    const { users } = await readProxyUsers(file)
    if (context.global.json) {
      const shown = users.map(({ name, key, limits, disabled }) => ({
        name,
        key: key?.id ?? null,
        limits: limits ?? {},
        disabled: disabled === true,
      }))
      return context.json({ file, users: shown })
    }
    for (const user of users) context.out(lineOf(user))
    if (users.length === 0) context.note(`no users in ${file}; sotto proxy users add NAME adds one`)
  },
})

/** `sotto proxy users set NAME` */
export const proxyUsersSet: Command = defineCommand({
  path: ['proxy', 'users', 'set'],
  summary: 'Change what a user of a proxy may do',
  description:
    'Sets the limits that are named and leaves the others, or takes all of them away with --unlimited. A user that is\n' +
    'disabled is refused until it is enabled again; its key stays.',
  arguments: [NAME],
  flags: {
    ...USERS_FLAG,
    ...LIMIT_FLAGS,
    unlimited: { type: 'boolean', summary: 'no limits' },
    disable: { type: 'boolean', summary: 'refuse this user' },
    enable: { type: 'boolean', summary: 'let this user in again' },
  },
  examples: ['sotto proxy users set ada --concurrent 2', 'sotto proxy users set ada --disable'],
  async run(context, [name = ''], flags) {
    const limits = limitsOf(flags)
    if (flags.disable && flags.enable)
      throw cliError('CLI_USAGE', '--enable and --disable contradict each other')
    if (flags.unlimited && limits)
      throw cliError('CLI_USAGE', '--unlimited and a limit contradict each other')
    if (!limits && !flags.unlimited && !flags.disable && !flags.enable)
      throw cliError('CLI_USAGE', 'there is nothing to change', { hint: 'sotto proxy users set --help' })
    const changed = await changeUser(usersFile(context.io, flags.users), name, (user) => {
      const { limits: before, disabled, ...rest } = user
      const after = flags.unlimited ? undefined : limits ? { ...before, ...limits } : before
      const isDisabled = flags.disable || (disabled === true && !flags.enable)
      return { ...rest, ...(after && { limits: after }), ...(isDisabled && { disabled: true }) }
    })
    if (context.global.json)
      context.json({ name, limits: changed?.limits ?? {}, disabled: changed?.disabled === true })
    else context.out(lineOf(changed!))
  },
})

/** `sotto proxy users rotate NAME` */
export const proxyUsersRotate: Command = defineCommand({
  path: ['proxy', 'users', 'rotate'],
  summary: 'Give a user of a proxy another key',
  description:
    'The key before ends at once: a proxy that runs refuses it within two seconds. The new one is shown once.',
  arguments: [NAME],
  flags: USERS_FLAG,
  examples: ['sotto proxy users rotate ada'],
  async run(context, [name = ''], flags) {
    const { secret, key } = newUserKey()
    await changeUser(usersFile(context.io, flags.users), name, (user) => ({ ...user, key }))
    sayKey(context, name, secret)
  },
})

/** `sotto proxy users rm NAME` */
export const proxyUsersRm: Command = defineCommand({
  path: ['proxy', 'users', 'rm'],
  summary: 'Remove a user of a proxy',
  description: 'Its key is refused from then on, for good. What it has under way ends by itself.',
  arguments: [NAME],
  flags: USERS_FLAG,
  examples: ['sotto proxy users rm ada --yes'],
  async run(context, [name = ''], flags) {
    const file = usersFile(context.io, flags.users)
    checkUserName(name)
    if (!(await context.confirm(`Remove the user ${name}? Its key is refused from then on.`)))
      throw cliError('CLI_CANCELLED', 'nobody was removed')
    await changeUser(file, name, () => undefined)
    if (context.global.json) context.json({ removed: name })
    else context.out(`removed ${name}`)
  },
})

/** All of them, in the order help lists them. */
export const proxyUsersCommands: readonly Command[] = [
  proxyUsersAdd,
  proxyUsersLs,
  proxyUsersSet,
  proxyUsersRotate,
  proxyUsersRm,
]

/** The one time anybody sees the key: it is the result, for a pipe as well. */
function sayKey(context: CommandContext, name: string, secret: string | undefined): void {
  if (context.global.json) return context.json({ name, key: secret ?? null })
  if (secret === undefined) return context.note(`${name} comes in with a client certificate of this name`)
  context.out(secret)
  context.note(`this is the key of ${name}; it is shown once and kept nowhere`)
}

function lineOf({ name, key, limits = {}, disabled }: ProxyUser): string {
  const { requestsPerMinute, concurrent } = limits
  const words = [
    name,
    key === undefined ? 'certificate' : `sk-sotto-${key.id}-…`,
    requestsPerMinute === undefined ? 'any rate' : `${requestsPerMinute} a minute`,
    concurrent === undefined ? 'any number at once' : `${concurrent} at once`,
    ...(disabled ? ['disabled'] : []),
  ]
  return words.join('  ')
}
