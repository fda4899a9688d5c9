import { resolve } from 'node:path'
import { hasCode } from '@sotto/protocol/errors'
import { findPages, type InstalledPages } from '../../console/index.ts'
import { CONFIG_FILE, manifestDigest } from '../../console/manifest.ts'
import {
  type Answer,
  compareFiles,
  type ExpectedPages,
  expectedByFile,
  expectedByLog,
  fetchFirst,
  type Host,
  type HeaderProblem,
  judgeHeaders,
  MAX_CONFIG_BYTES,
  openHost,
  policyDigest,
  readServedConfig,
  refuseRevoked,
  type Served,
  type ServedService,
} from '../../console/verify/index.ts'
import { cliError } from '../../errors.ts'
import {
  type Command,
  type CommandContext,
  defineCommand,
  EXIT,
  type FlagValues,
} from '../../framework/index.ts'
import { LOG_FLAGS, resolveLogUrl } from '../../log/index.ts'
import { readPolicy, resolvePolicyPath } from '../../service/index.ts'
import { type PagesReport, printReport, type ServiceReport } from './report.ts'

const FLAGS = {
  policy: LOG_FLAGS.policy,
  logged: {
    type: 'boolean',
    summary: 'compare with the release in the log, whichever it is, instead of with this installation',
  },
  log: LOG_FLAGS.log,
  release: { type: 'string', value: 'FILE', summary: 'compare with a signed release.json instead' },
} as const

type Flags = FlagValues<typeof FLAGS>

/** `sotto console verify URL` */
export const consoleVerify: Command = consoleVerifyCommand(findPages)

/** The same for an installation of other pages. @param find where it has them */
export function consoleVerifyCommand(find: () => Promise<InstalledPages>): Command {
  return defineCommand({
    path: ['console', 'verify'],
    summary: 'Compare pages that somebody serves with the released ones, file by file',
    description:
      'Fetches every file, and the headers they come with. What a host answers here it need not answer others: this finds a host ' +
      'that serves everybody other pages, and none that picks its victims. Pages of your own are those of sotto console. Exit ' +
      'code 0 the same, 3 another file, 5 the same files with weaker headers or by other rules than your policy.',
    arguments: [{ name: 'URL', summary: 'address of the pages', required: true }],
    flags: FLAGS,
    examples: [
      'sotto console verify https://chat.example',
      'sotto console verify https://chat.example --logged --log https://log.example/log --policy policy.json',
    ],
    async run(context, [url], flags) {
      if (flags.logged && flags.release !== undefined)
        throw cliError('CLI_USAGE', '--logged and --release are two things to compare with', {
          hint: 'leave one out',
        })
      const host = openHost(url!, context.io.fetch, context.signal)
      context.note(`asking ${host.url.href} ...`)
      const served = await fetchFirst(host)
      const expected = await expectedPages(context, served, flags, find)
      const files = await compareFiles(host, served, expected.manifest)
      const config = readServedConfig(await host.get(CONFIG_FILE, MAX_CONFIG_BYTES))
      const report: PagesReport = {
        url: host.url.href,
        expected: { by: expected.by, pages: manifestDigest(expected.manifest) },
        files,
        headers: headersOf(host, served, config),
        service: await judgeService(context, config, flags, manifestDigest(expected.manifest)),
      }
      const code = exitCodeOf(report)
      if (context.global.json) context.json({ ok: code === EXIT.ok, ...report })
      else printReport(context, report)
      return code
    },
  })
}

async function expectedPages(
  context: CommandContext,
  served: Served,
  flags: Flags,
  find: () => Promise<InstalledPages>,
): Promise<ExpectedPages> {
  if (flags.logged) {
    const policy = await readPolicy(await resolvePolicyPath(context, flags))
    return expectedByLog(context, await resolveLogUrl(context, flags), policy, served.manifest)
  }
  if (flags.release === undefined) return { manifest: (await find()).manifest, by: 'this installation' }
  const policy = await readPolicy(await resolvePolicyPath(context, flags))
  const own = await find().catch(() => undefined)
  const candidates = [served.manifest, own?.manifest].filter((text) => text !== undefined)
  return expectedByFile(resolve(context.io.cwd, flags.release), policy, candidates)
}

function headersOf(host: Host, { index, named }: Served, config: ServedService | string): HeaderProblem[] {
  const connect = typeof config === 'string' ? ["'self'"] : config.connect
  const of = (answer: Answer): HeaderProblem[] =>
    answer.kind === 'file' ? judgeHeaders(answer.headers, connect) : []
  const problems = index.kind === 'none' ? judgeHeaders(new Headers(), connect) : of(index)
  const known = new Set(problems.map(({ name }) => name))
  problems.push(...of(named).filter(({ name }) => !known.has(name)))
  const { protocol, hostname } = host.url
  // Browsers give such pages no cryptography, and whoever is on the way may change them.
  if (protocol === 'http:' && !/^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])$/.test(hostname))
    problems.unshift({ name: 'address', expected: 'https:', found: protocol })
  return problems
}

/** Whether the page judges by the user's own policy: the host chooses it, and a page can be no better than that. */
async function judgeService(
  context: CommandContext,
  config: ServedService | string,
  flags: Flags,
  pages: string,
): Promise<ServiceReport> {
  if (typeof config === 'string') return { status: 'missing', found: config }
  const { relay, gateway, policyDigest: found } = config
  const own = await resolvePolicyPath(context, flags, relay).catch((error: unknown) => {
    // Nobody said by what to judge: then only the digest is shown.
    if (flags.policy === undefined && hasCode(error, 'CLI_USAGE')) return undefined
    throw error
  })
  if (own === undefined) return { status: 'unknown', relay, gateway, found }
  const policy = await readPolicy(own)
  refuseRevoked(pages, policy)
  const expected = policyDigest(policy)
  return { status: expected === found ? 'same' : 'changed', relay, gateway, expected, found }
}

function exitCodeOf({ files, headers, service }: PagesReport): number {
  if (files.some(({ status }) => status !== 'same')) return EXIT.notAuthentic
  if (headers.length > 0 || service.status === 'changed' || service.status === 'missing') return EXIT.refused
  return EXIT.ok
}
