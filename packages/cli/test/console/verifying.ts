import { serve } from '../../../client/test/monitor/support.ts'
import { consoleServeCommand } from '../../src/commands/console/serve.ts'
import { consoleVerifyCommand } from '../../src/commands/console/verify.ts'
import { createDesk, type Desk } from '../support/desk.ts'
import { runInMemory, type RunResult } from '../support/memory-io.ts'
import { type FakeHost, installPages, openFakeHost } from './pages.ts'

export const RELAY = 'https://relay.example'
export const URL = 'https://chat.example/app/'

/** Somebody with a policy in front of a host of pages. */
export interface Verifying {
  desk: Desk
  host: FakeHost
  /** Runs `sotto console verify`. */
  verify(argv?: string[], url?: string, env?: Record<string, string>): Promise<RunResult>
}

export async function beginVerifying(): Promise<Verifying> {
  const desk = await createDesk()
  const host = openFakeHost(RELAY, desk.service.world.policy)
  return {
    desk,
    host,
    verify(argv = [], url = URL, env = {}) {
      const pages = installPages()
      const find = (): Promise<typeof pages> => Promise.resolve(pages)
      const { world } = desk.service
      const log = serve({ log: world.log, time: world.now - 30 })
      return runInMemory(
        [consoleServeCommand(find), consoleVerifyCommand(find)],
        ['console', 'verify', url, ...argv],
        {
          cwd: desk.cwd,
          env: { SOTTO_CONFIG_DIR: 'config', SOTTO_POLICY: 'policy.json', ...env },
          fetch: (input, init) =>
            String(input).startsWith('http://log/') ? log(input, init) : host.fetch(input, init),
          nowMs: () => world.now * 1000,
        },
      )
    },
  }
}
