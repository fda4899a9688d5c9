import { SottoError } from '@sotto/protocol/errors'
import { readConfig } from '@sotto/serve/config'
import { withHealth } from '@sotto/serve/health'
import { createLogClient } from '@sotto/serve/log-client'
import { createLogger } from '@sotto/serve/logging'
import { startRole } from '@sotto/serve/role'
import { startServer } from '@sotto/serve/server'
import { REGISTRY_STATUSES } from './app.ts'
import { registryConfig } from './config.ts'
import { openRegistry } from './open-registry.ts'

/** How often expired things are looked for. */
const TICK_MS = 30_000

const logger = createLogger('registry', {
  ready: { url: 'address' },
  refused: { code: 'code' },
  swept: { models: 'count', uploads: 'count', blobs: 'count' },
  'sweep-failed': { code: 'code' },
})

await startRole({
  name: 'registry',
  argv: process.argv,
  env: process.env,
  refuseSwap: false,
  async run(role) {
    const { config } = await readConfig(role.configPath, registryConfig)
    const { store, genesis, owners, uploadRestSeconds, maxUploads } = config
    const appendToken = role.env['SOTTO_LOG_APPEND_TOKEN']
    const registry = openRegistry({
      store,
      genesis,
      owners,
      uploadRestSeconds,
      maxUploads,
      log: createLogClient({ ...config.log, ...(appendToken && { appendToken }) }),
      now: () => Math.floor(Date.now() / 1000),
      onError: (code) => logger.log('refused', { code }),
    })
    role.onShutdown(() => registry.close())

    async function tick(): Promise<void> {
      try {
        const { models, uploads, blobs } = await registry.tick()
        if (models + uploads + blobs > 0) logger.log('swept', { models, uploads, blobs })
      } catch (error) {
        logger.log('sweep-failed', { code: error instanceof SottoError ? error.code : 'INTERNAL' })
      }
    }
    await tick()
    const timer = setInterval(() => void tick(), TICK_MS)
    role.onShutdown(() => clearInterval(timer))

    const server = await startServer(
      withHealth(registry.app, () => ({ ready: true })),
      { ...config.listen, statuses: REGISTRY_STATUSES },
    )
    role.onShutdown(() => server.close())
    logger.log('ready', { url: server.url })
    role.ready({ http: server.url })
  },
})
