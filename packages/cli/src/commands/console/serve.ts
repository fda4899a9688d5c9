import { fromUtf8 } from '@sotto/protocol/bytes'
import { acceptsSoftware, encodeTrustPolicy } from '@sotto/verifier'
import {
  findObstacle,
  findPages,
  type InstalledPages,
  loadPages,
  openBrowser,
  servePages,
} from '../../console/index.ts'
import { refuseRevoked } from '../../console/verify/index.ts'
import { cliError } from '../../errors.ts'
import { type Command, type CommandContext, defineCommand, EXIT } from '../../framework/index.ts'
import { resolveTarget, SOFTWARE_BANNER, TARGET_FLAGS } from '../../service/index.ts'
import { CONSOLE_PORT } from '../../stack/console-origins.ts'

const { gateway, policy } = TARGET_FLAGS

/** `sotto console` */
export const consoleServe: Command = consoleServeCommand(findPages)

/** The same with pages from anywhere. @param find where an installation has its pages */
export function consoleServeCommand(find: () => Promise<InstalledPages>): Command {
  return defineCommand({
    path: ['console'],
    summary: 'Open the web pages from this machine: verify, talk, transcribe, keep receipts',
    description:
      'Serves the pages that were built with this command to browsers on this machine, and to nobody else. Every file is ' +
      'compared with what was built before the first one is served. The page verifies the service itself, in the browser, by ' +
      'your policy. sotto console verify checks pages that somebody else serves.',
    flags: {
      port: {
        type: 'number',
        short: 'p',
        value: 'PORT',
        summary: `port of 127.0.0.1 (default ${CONSOLE_PORT})`,
        min: 0,
        max: 65_535,
        integer: true,
      },
      policy,
      host: { type: 'string', value: 'URL', summary: 'relay that the page asks (SOTTO_HOST)' },
      gateway,
      open: { type: 'boolean', summary: 'open it in the browser of this desktop' },
    },
    examples: [
      'sotto up -d && sotto console --open',
      'sotto console --host https://relay.example --policy policy.json',
    ],
    async run(context, _args, flags) {
      const target = await resolveTarget(context, {
        host: await relayOf(context, flags.host),
        gateway: flags.gateway,
        policy: flags.policy,
        log: undefined,
      })
      const pages = await loadPages(await find())
      refuseRevoked(pages.digest, target.policy)
      const config = {
        relay: target.host,
        gateway: target.gateway,
        policy: JSON.parse(fromUtf8(encodeTrustPolicy(target.policy))) as object,
      }
      const running = await servePages({ pages, config }, flags.port ?? CONSOLE_PORT)
      context.onExit(() => running.close())
      if (context.global.json)
        context.json({ url: running.url, relay: target.host, gateway: target.gateway, pages: pages.digest })
      else context.out(running.url)
      context.detail(`${pages.files.size} files as they were built, ${pages.digest}`)
      if (acceptsSoftware(target.policy)) context.warn(`warning: ${SOFTWARE_BANNER}`)
      context.note(`for ${target.host} (gateway ${target.gateway}), judged by ${target.policyPath}`)
      const obstacle = await findObstacle(
        context.io.fetch,
        { ...config, origin: running.url, isLocalStack: target.isLocalStack },
        context.signal,
      )
      if (obstacle) context.warn(`warning: ${obstacle.what}\nhint: ${obstacle.hint}`)
      if (flags.open && !(await openBrowser(context.io, running.url)))
        context.warn(`warning: no browser could be started here: open ${running.url} yourself`)
      context.note('press Ctrl-C to stop')
      await new Promise<void>((resolve) => {
        if (context.signal.aborted) resolve()
        else context.signal.addEventListener('abort', () => resolve(), { once: true })
      })
      return EXIT.interrupted
    },
  })
}

/** The flag, or whatever is configured. @throws `CLI_USAGE` when nothing is */
async function relayOf(context: CommandContext, flag: string | undefined): Promise<string | undefined> {
  if (flag !== undefined || (await context.config()).get('host') !== undefined) return flag
  throw cliError('CLI_USAGE', 'no service for the page to ask', {
    hint: 'start a local stack here with sotto up -d, pass --host URL, or set SOTTO_HOST',
  })
}
