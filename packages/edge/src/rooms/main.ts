import { SottoError } from '@sotto/protocol/errors'
import { readConfig } from '@sotto/serve/config'
import { withHealth } from '@sotto/serve/health'
import { createLogger } from '@sotto/serve/logging'
import { startRole } from '@sotto/serve/role'
import { startServer } from '@sotto/serve/server'
import { ROOMS_STATUSES } from './app.ts'
import { roomsConfig } from './config.ts'
import { openRooms } from './open-rooms.ts'

/** How often what rested too long is looked for. */
const TICK_MS = 30_000

const logger = createLogger('rooms', {
  ready: { url: 'address' },
  refused: { code: 'code' },
  swept: { boards: 'count', uploads: 'count' },
  'sweep-failed': { code: 'code' },
})

await startRole({
  name: 'rooms',
  argv: process.argv,
  env: process.env,
  refuseSwap: false,
  async run(role) {
    const { config } = await readConfig(role.configPath, roomsConfig)
    const { listen, ...kept } = config
    const rooms = openRooms({
      ...kept,
      now: () => Math.floor(Date.now() / 1000),
      onError: (code) => logger.log('refused', { code }),
    })
    role.onShutdown(() => rooms.close())

    function tick(): void {
      try {
        const { boards, uploads } = rooms.tick()
        if (boards + uploads > 0) logger.log('swept', { boards, uploads })
      } catch (error) {
        logger.log('sweep-failed', { code: error instanceof SottoError ? error.code : 'INTERNAL' })
      }
    }
    tick()
    const timer = setInterval(tick, TICK_MS)
    role.onShutdown(() => clearInterval(timer))

    const server = await startServer(
      withHealth(rooms.app, () => ({ ready: true })),
      { ...listen, statuses: ROOMS_STATUSES },
    )
    role.onShutdown(() => server.close())
    logger.log('ready', { url: server.url })
    role.ready({ http: server.url })
  },
})
