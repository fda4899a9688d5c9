import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { SottoError } from '@sotto/protocol/errors'
import { readConfig } from '@sotto/serve/config'
import { withHealth } from '@sotto/serve/health'
import { createLogClient } from '@sotto/serve/log-client'
import { createLogger } from '@sotto/serve/logging'
import { startRole } from '@sotto/serve/role'
import { startServer } from '@sotto/serve/server'
import { EDGE_STATUSES } from '../errors.ts'
import { openNoteKey } from '../store/note-key-file.ts'
import { takePrintKeyFlag } from '../store/print-key.ts'
import { openAdminToken, requireAdminToken } from './api-keys.ts'
import { issuerConfig } from './config.ts'
import { openIssuer } from './open-issuer.ts'
import { openIssuerDatabase } from './database.ts'

/** How often keys are looked at. Lives are counted in days, a lost log is asked again soon. */
const TICK_MS = 30_000

const logger = createLogger('issuer', {
  ready: { url: 'address' },
  refused: { code: 'code' },
  'keys-failed': { code: 'code' },
})
const { argv, printKey } = takePrintKeyFlag(process.argv)

await startRole({
  name: 'issuer',
  argv,
  env: process.env,
  refuseSwap: false,
  async run(role) {
    const { config } = await readConfig(role.configPath, issuerConfig)
    mkdirSync(config.store, { recursive: true, mode: 0o700 })
    const database = openIssuerDatabase(join(config.store, 'issuer.db'))
    role.onShutdown(() => database.close())
    const isNew = database.db.prepare('SELECT 1 FROM statements LIMIT 1').get() === undefined
    const { secretSeed } = openNoteKey(join(config.store, 'issuer.key'), config.name, 'ed25519', isNew)
    const { publicKey } = crypto.ed25519.importPrivate(secretSeed)
    if (printKey(toBase64Url(publicKey))) return role.stop()

    const issuer = openIssuer({
      database,
      name: config.name,
      signer: { publicKey, secretSeed },
      plan: {
        classes: config.classes,
        lifetimeSeconds: config.keyLifetimeSeconds,
        overlapSeconds: config.overlapSeconds,
      },
      log: createLogClient({
        ...config.log,
        ...(role.env['SOTTO_LOG_APPEND_TOKEN'] && { appendToken: role.env['SOTTO_LOG_APPEND_TOKEN'] }),
      }),
      authorizeAdmin: requireAdminToken(
        openAdminToken(join(config.store, 'admin.token'), role.env['SOTTO_ISSUER_ADMIN_TOKEN']),
      ),
      now: () => Math.floor(Date.now() / 1000),
      onError: (code) => logger.log('refused', { code }),
    })
    async function tick(): Promise<void> {
      await issuer.keys.tick().catch((error: unknown) => {
        logger.log('keys-failed', { code: error instanceof SottoError ? error.code : 'INTERNAL' })
      })
    }
    await tick()
    const timer = setInterval(() => void tick(), TICK_MS)
    role.onShutdown(() => clearInterval(timer))

    const options = { statuses: EDGE_STATUSES }
    const server = await startServer(
      withHealth(issuer.app, () =>
        issuer.keys.directory === undefined ? { ready: false, code: 'ISSUER_NOT_READY' } : { ready: true },
      ),
      { ...config.listen, ...options },
    )
    role.onShutdown(() => server.close())
    const admin = await startServer(issuer.admin, { ...config.admin, ...options })
    role.onShutdown(() => admin.close())
    logger.log('ready', { url: server.url })
    role.ready({ http: server.url, admin: admin.url, issuerKey: toBase64Url(publicKey) })
  },
})
