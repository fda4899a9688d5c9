import { join } from 'node:path'
import { mkdirSync } from 'node:fs'
import { verifierKeyOf } from '@sotto/protocol/note'
import { readConfig } from '@sotto/serve/config'
import { withHealth } from '@sotto/serve/health'
import { createLogger } from '@sotto/serve/logging'
import { startRole } from '@sotto/serve/role'
import { startServer } from '@sotto/serve/server'
import { EDGE_STATUSES } from '../errors.ts'
import { openNoteKey } from '../store/note-key-file.ts'
import { takePrintKeyFlag } from '../store/print-key.ts'
import { openAppendToken } from './append-token.ts'
import { logConfig } from './config.ts'
import { openLog } from './open-log.ts'
import { openSqliteStore } from './sqlite-store.ts'
import { createWitnessClient } from './witness-client.ts'

const logger = createLogger('log', {
  ready: { url: 'address', size: 'count' },
  published: { size: 'count' },
  failed: { code: 'code' },
})
const { argv, printKey } = takePrintKeyFlag(process.argv)

await startRole({
  name: 'log',
  argv,
  env: process.env,
  refuseSwap: false,
  async run(role) {
    const { config } = await readConfig(role.configPath, logConfig)
    mkdirSync(config.store, { recursive: true, mode: 0o700 })
    const store = openSqliteStore(join(config.store, 'log.db'))
    role.onShutdown(() => store.close())
    const isNew = store.readTree().size === 0 && store.readPublished() === undefined
    const signer = openNoteKey(join(config.store, 'log.key'), config.name, 'ed25519', isNew)
    if (printKey(verifierKeyOf(signer, 'ed25519'))) return role.stop()

    const published = Promise.withResolvers<number>()
    const log = openLog({
      origin: config.origin,
      signer,
      store,
      appendToken: openAppendToken(join(config.store, 'append.token'), role.env['SOTTO_LOG_APPEND_TOKEN']),
      witnesses: config.witnesses.map((witness) => createWitnessClient(witness)),
      quorum: config.quorum,
      batchMs: config.batchMs,
      refreshMs: config.refreshSeconds * 1000,
      appendWaitMs: config.appendWaitMs,
      onPublished: ({ size }) => {
        logger.log('published', { size })
        published.resolve(size)
      },
      onError(code) {
        logger.log('failed', { code })
        if (code === 'LOG_FORKED') published.reject(log.publisher.fatal)
      },
    })
    role.onShutdown(() => log.publisher.stop())
    const server = await startServer(
      withHealth(log.app, () =>
        log.publisher.fatal === undefined && log.publisher.published !== undefined
          ? { ready: true }
          : { ready: false, code: log.publisher.fatal?.code ?? 'LOG_NOT_WITNESSED' },
      ),
      { ...config.listen, statuses: EDGE_STATUSES },
    )
    role.onShutdown(() => server.close())
    // A log that its witnesses contradict at start does not start; later it keeps answering reads.
    const size = await published.promise
    logger.log('ready', { url: server.url, size })
    role.ready({ http: server.url, verifierKey: log.verifierKey })
  },
})
