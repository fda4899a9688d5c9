import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand } from '../../framework/index.ts'
import { printableLine } from '../../terminal/index.ts'
import { ADMIN_FLAGS, type AdminAnswer, callAdmin } from './admin.ts'

const ACCOUNT = { name: 'ACCOUNT', summary: 'id of the account, acct_…', required: true } as const
const KEY = { name: 'KEY', summary: 'id of the API key', required: true } as const
const PERIODS = ['day', 'month'] as const

const accountPath = (id: string, rest = ''): string => `/v1/accounts/${encodeURIComponent(id)}${rest}`

/** `sotto account create` */
const accountCreate: Command = defineCommand({
  path: ['account', 'create'],
  summary: 'Make an account at a token issuer',
  arguments: [{ name: 'NAME', summary: 'for you: the issuer shows it to nobody', required: true }],
  flags: ADMIN_FLAGS,
  examples: [
    'sotto account create "Praxis am Park" --admin http://127.0.0.1:8090 --token-file issuer/admin.token',
  ],
  async run(context, [name], flags) {
    show(context, await callAdmin(context, flags, 'POST', '/v1/accounts', { name }), 'id')
  },
})

/** `sotto account ls` */
const accountLs: Command = defineCommand({
  path: ['account', 'ls'],
  summary: 'List accounts, their keys and quotas',
  flags: ADMIN_FLAGS,
  async run(context, _args, flags) {
    const answer = await callAdmin(context, flags, 'GET', '/v1/accounts')
    if (context.global.json) return context.json(answer)
    for (const { id, name, keys, quotas } of rows(answer['accounts'])) {
      const allowed = rows(quotas).map(
        (quota) => `${words(quota['class'])} ${words(quota['tokens'])}/${words(quota['period'])}`,
      )
      context.out(
        [id, name, `${rows(keys).length} keys`, allowed.join(', ') || 'no quota'].map(words).join('\t'),
      )
    }
  },
})

/** `sotto account usage` */
const accountUsage: Command = defineCommand({
  path: ['account', 'usage'],
  summary: 'Show tokens bought, by account, class and day',
  flags: ADMIN_FLAGS,
  async run(context, _args, flags) {
    const answer = await callAdmin(context, flags, 'GET', '/v1/usage')
    if (context.global.json) return context.json(answer)
    for (const { account, class: name, day, tokens } of rows(answer['usage'])) {
      const date = new Date(Number(day) * 86_400_000).toISOString().slice(0, 10)
      context.out([date, account, name, tokens].map(words).join('\t'))
    }
  },
})

/** `sotto account quota` */
const accountQuota: Command = defineCommand({
  path: ['account', 'quota'],
  summary: 'Set how many tokens of a class an account may buy',
  arguments: [ACCOUNT, { name: 'CLASS', summary: 'class of tokens', required: true }],
  flags: {
    ...ADMIN_FLAGS,
    tokens: {
      type: 'number',
      value: 'N',
      summary: 'tokens in each period (0: none)',
      min: 0,
      max: 1_000_000_000,
      integer: true,
    },
    period: { type: 'string', value: 'PERIOD', summary: 'day or month, UTC (default day)', choices: PERIODS },
  },
  async run(context, [account, name], flags) {
    // A forgotten number must not cut somebody off.
    if (flags.tokens === undefined) throw cliError('CLI_USAGE', '--tokens is needed')
    const body = { tokens: flags.tokens, period: flags.period ?? 'day' }
    const path = accountPath(account!, `/quotas/${encodeURIComponent(name!)}`)
    const answer = await callAdmin(context, flags, 'PUT', path, body)
    if (context.global.json) return context.json(answer)
    context.out(`${words(answer['class'])} ${words(answer['tokens'])}/${words(answer['period'])}`)
  },
})

/** `sotto account key create` */
const keyCreate: Command = defineCommand({
  path: ['account', 'key', 'create'],
  summary: 'Make an API key; it is shown once',
  arguments: [ACCOUNT],
  flags: ADMIN_FLAGS,
  async run(context, [account], flags) {
    showSecret(context, await callAdmin(context, flags, 'POST', accountPath(account!, '/keys'), {}))
  },
})

/** `sotto account key rotate` */
const keyRotate: Command = defineCommand({
  path: ['account', 'key', 'rotate'],
  summary: 'Make another API key, and end the old one after a grace',
  arguments: [ACCOUNT, KEY],
  flags: {
    ...ADMIN_FLAGS,
    grace: {
      type: 'number',
      value: 'SECONDS',
      summary: 'how long the old key goes on (default 86400)',
      min: 0,
      max: 7_776_000,
      integer: true,
    },
  },
  async run(context, [account, key], flags) {
    const path = accountPath(account!, `/keys/${encodeURIComponent(key!)}/rotate`)
    showSecret(
      context,
      await callAdmin(context, flags, 'POST', path, { graceSeconds: flags.grace ?? 86_400 }),
    )
  },
})

/** `sotto account key revoke` */
const keyRevoke: Command = defineCommand({
  path: ['account', 'key', 'revoke'],
  summary: 'End an API key now',
  arguments: [ACCOUNT, KEY],
  flags: ADMIN_FLAGS,
  async run(context, [account, key], flags) {
    const path = accountPath(account!, `/keys/${encodeURIComponent(key!)}`)
    show(context, await callAdmin(context, flags, 'DELETE', path), 'revoked')
  },
})

/** All of `sotto account`. */
export const accountCommands: readonly Command[] = [
  accountCreate,
  accountLs,
  accountQuota,
  accountUsage,
  keyCreate,
  keyRotate,
  keyRevoke,
]

function show(context: CommandContext, answer: AdminAnswer, field: string): void {
  if (context.global.json) context.json(answer)
  else context.out(words(answer[field]))
}

/** The one time anybody sees it: standard output holds nothing but the key, so that it can be kept at once. */
function showSecret(context: CommandContext, answer: AdminAnswer): void {
  show(context, answer, 'secret')
  context.note(`key ${words(answer['id'])}; it is not shown again`)
}

function rows(value: unknown): AdminAnswer[] {
  return Array.isArray(value) ? (value as AdminAnswer[]) : []
}

function words(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? printableLine(String(value)) : ''
}
