import { readConfig } from '@sotto/serve/config'
import { withHealth } from '@sotto/serve/health'
import { createLogger } from '@sotto/serve/logging'
import { startRole } from '@sotto/serve/role'
import { startServer } from '@sotto/serve/server'
import { EDGE_STATUSES } from '../errors.ts'
import { createRelay } from './app.ts'
import { relayConfig } from './config.ts'
import { createNodeUpstream } from './node-upstream.ts'

// No field for sizes, addresses, times of a request or its gateway: they would describe a person.
const logger = createLogger('relay', { ready: { url: 'address' }, failed: { code: 'code' } })

/** Time in which whoever spreads clients over relays hears that this one is about to end. */
const NOTICE_MS = 3000

await startRole({
  name: 'relay',
  argv: process.argv,
  env: process.env,
  refuseSwap: false,
  async run(role) {
    const { config } = await readConfig(role.configPath, relayConfig)
    const relay = createRelay({
      config,
      upstream: createNodeUpstream(),
      onError: (code) => logger.log('failed', { code }),
    })
    const { app, webSockets } = relay
    const server = await startServer(
      withHealth(app, () => ({ ready: true })),
      {
        ...config.listen,
        statuses: EDGE_STATUSES,
        maxRequests: config.limits.exchanges + 64,
        maxConnections: config.limits.exchanges + 1024,
        noticeMs: NOTICE_MS,
        bodyIdleMs: config.limits.requestIdleMs,
        minBodyBytesPerSecond: config.limits.minBytesPerSecond,
        bodyGraceMs: config.limits.graceMs,
        webSockets,
      },
    )
    role.onShutdown(() => relay.close())
    role.onShutdown(() => server.close(), NOTICE_MS)
    logger.log('ready', { url: server.url })
    role.ready({ http: server.url })
  },
})
