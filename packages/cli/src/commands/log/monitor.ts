import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type Alert,
  createLogReader,
  type Expectations,
  followLog,
  instant,
  type Round,
} from '@sotto/client/monitor'
import { hasCode } from '@sotto/protocol/errors'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../../framework/index.ts'
import {
  alertLine,
  keepSplitView,
  LOG_FLAGS,
  type LogTarget,
  resolveLog,
  resolveLogUrl,
  stateFile,
} from '../../log/index.ts'
import { printableJson } from '../../terminal/index.ts'

/** Issuers that are watched at most. */
const MAX_ISSUERS = 16
/** 32 bytes, the last character without stray bits. */
const ISSUER_KEY = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** `sotto log monitor` */
export const logMonitor: Command = defineCommand({
  path: ['log', 'monitor'],
  summary: 'Follow a log and say what must not be in it',
  description:
    'Checks every checkpoint (signature, witnesses, age, consistency with all before) and every entry (proven to be ' +
    'in the tree), and judges what is said of one KMS: two key sets for one epoch, keys that live too long, ' +
    'decisions that members did not make, releases nobody accepted; and of token issuers, keys that would tell ' +
    'clients apart. One line for each alert; docs/log.md lists the ' +
    'codes. Goes on where it was stopped. A log that shows two histories is kept as evidence, for sotto log prove. ' +
    'With --once the exit code is 6 when there was an alert, 0 when there was none.',
  flags: {
    ...LOG_FLAGS,
    watch: {
      type: 'string',
      value: 'DIGEST',
      summary: 'genesis to watch, or genesis: the first of the log (default: that of the policy)',
    },
    'issuer-key': {
      type: 'string',
      value: 'KEY',
      repeats: true,
      summary: 'key of a token issuer to watch too, base64url (default: SOTTO_ISSUER_KEY, where it is set)',
    },
    state: {
      type: 'string',
      value: 'FILE',
      summary: 'where it keeps what it knows (default log-monitor.json)',
    },
    once: { type: 'boolean', summary: 'end at the newest checkpoint' },
    interval: {
      type: 'number',
      value: 'SECONDS',
      summary: 'look again after this long (default 60)',
      min: 1,
      max: 3600,
      integer: true,
    },
    'max-boots': {
      type: 'number',
      value: 'N',
      summary: 'boots of the KMS within 24 hours that are expected (default 8)',
      min: 1,
      max: 256,
      integer: true,
    },
  },
  examples: [
    'sotto log monitor --policy policy.json',
    'sotto log monitor --policy policy.json --once --json | jq .alert',
    'sotto log monitor --log https://log.example/ --key log.example+1a2b3c4d+AbC... --watch genesis',
  ],
  async run(context, _args, flags) {
    const { io, signal } = context
    const target = await resolveLog(context, flags)
    const url = await resolveLogUrl(context, flags)
    const statePath = resolve(io.cwd, flags.state ?? 'log-monitor.json')
    if (target.followed.witnesses.keys.length === 0)
      context.warn('warning: no witness is named, so nobody but the log says what it is; pass --witness KEY')
    const options = {
      log: target.followed,
      expect: {
        ...expectations(target, flags.watch, flags['max-boots'] ?? 8),
        issuerKeys: await issuerKeys(context, flags['issuer-key']),
      },
      reader: createLogReader(url, io.fetch, signal),
      store: stateFile(statePath),
      now: () => Math.floor(io.now() / 1000),
      onSplitView: async (view: Parameters<typeof keepSplitView>[1]) => {
        const path = await keepSplitView(statePath, view, io.now())
        context.note(`both checkpoints are kept in ${path}; sotto log prove ${path} shows it to anybody`)
      },
    }
    // Something that lasts is said when it begins, not every minute.
    let standing = new Set<string>()
    let alerts = 0
    for (;;) {
      const seen = new Set<string>()
      const onAlert = (alert: Alert): void => {
        alerts++
        const name = `${alert.code} ${alert.index ?? ''}`
        seen.add(name)
        if (!standing.has(name)) printAlert(context, alert)
      }
      try {
        const round = await followLog({ ...options, onAlert })
        standing = seen
        if (flags.once || round.entries > 0) printRound(context, round)
      } catch (error) {
        // What was said is the answer of --once, whatever came after it: a log could break off behind a bad entry.
        if (!hasCode(error, 'LOG_UNREADABLE') || (flags.once && alerts === 0)) throw error
        context.warn(`warning: ${error.message}${flags.once ? '' : '; trying again'}`)
        standing = new Set([...standing, ...seen])
      }
      if (flags.once) return alerts > 0 ? EXIT.undecided : EXIT.ok
      await pause((flags.interval ?? 60) * 1000, undefined, { signal })
    }
  },
})

function expectations(
  { policy }: LogTarget,
  watch: string | undefined,
  maxBootsPerDay: number,
): Expectations {
  if (watch !== undefined && watch !== 'genesis' && !/^[0-9a-f]{64}$/.test(watch))
    throw cliError('CLI_USAGE', '--watch takes the digest of a genesis, or the word genesis')
  const genesis = watch === 'genesis' ? undefined : (watch ?? policy?.genesis)
  return {
    ...(genesis !== undefined && { genesis }),
    ...(policy && { releaseKeys: policy.releaseKeys }),
    revoked: policy?.revoked ?? [],
    minSecurityVersion: policy?.minSecurityVersion ?? { kms: 0, inference: 0 },
    maxBootsPerDay,
  }
}

async function issuerKeys(context: CommandContext, flag: readonly string[] | undefined): Promise<string[]> {
  const configured = (await context.config()).get('issuer-key')?.value
  const keys = flag ?? (configured === undefined ? [] : [configured])
  if (keys.length > MAX_ISSUERS || !keys.every((key) => ISSUER_KEY.test(key)))
    throw cliError(
      'CLI_USAGE',
      `--issuer-key takes an Ed25519 key in base64url, at most ${MAX_ISSUERS} times`,
    )
  return [...new Set(keys)]
}

function printAlert(context: CommandContext, alert: Alert): void {
  const { code, ...more } = alert
  if (context.global.json) context.out(printableJson({ alert: code, ...more }))
  else context.out(context.style.out.red(alertLine(alert)))
}

function printRound(context: CommandContext, { tree, time, entries, alerts, counts, genesis }: Round): void {
  const size = tree?.size ?? 0
  if (context.global.json) {
    const seen = { size, ...(time !== undefined && { time }), ...(genesis !== undefined && { genesis }) }
    return context.out(
      printableJson({ checkpoint: seen, entries, alerts, counts: Object.fromEntries(counts) }),
    )
  }
  const kinds = [...counts].map(([name, count]) => `${count} ${name}`).join(', ')
  const witnessed = time === undefined ? '' : `, witnessed ${instant(time)}`
  context.out(
    `${size} entries${witnessed}; ${entries} new; ${alerts === 0 ? 'no alert' : `alerts: ${alerts}`}`,
  )
  context.detail(kinds)
  if (genesis === undefined) context.note('the watched genesis is not in this log')
}
