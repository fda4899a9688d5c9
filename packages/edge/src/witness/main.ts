import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { verifierKeyOf } from '@sotto/protocol/note'
import { readConfig } from '@sotto/serve/config'
import { withHealth } from '@sotto/serve/health'
import { createLogger } from '@sotto/serve/logging'
import { startRole } from '@sotto/serve/role'
import { startServer } from '@sotto/serve/server'
import { EDGE_STATUSES } from '../errors.ts'
import { openNoteKey } from '../store/note-key-file.ts'
import { takePrintKeyFlag } from '../store/print-key.ts'
import { createWitnessApp } from './app.ts'
import { witnessConfig } from './config.ts'
import { openWitnessStore } from './store.ts'
import { createWitness } from './witness.ts'

const logger = createLogger('witness', { ready: { url: 'address' }, failed: { code: 'code' } })
const { argv, printKey } = takePrintKeyFlag(process.argv)

await startRole({
  name: 'witness',
  argv,
  env: process.env,
  refuseSwap: false,
  async run(role) {
    const { config } = await readConfig(role.configPath, witnessConfig)
    mkdirSync(config.store, { recursive: true, mode: 0o700 })
    const store = openWitnessStore(join(config.store, 'witness.db'))
    role.onShutdown(() => store.close())
    const signer = openNoteKey(
      join(config.store, 'witness.key'),
      config.name,
      'cosignature-v1',
      store.isEmpty(),
    )
    const verifierKey = verifierKeyOf(signer, 'cosignature-v1')
    if (printKey(verifierKey)) return role.stop()

    const app = createWitnessApp({
      addCheckpoint: createWitness({ logs: config.logs, signer, store, now: () => Date.now() / 1000 }),
      verifierKey,
      onError: (code) => logger.log('failed', { code }),
    })
    const server = await startServer(
      withHealth(app, () => ({ ready: true })),
      { ...config.listen, statuses: EDGE_STATUSES },
    )
    role.onShutdown(() => server.close())
    logger.log('ready', { url: server.url })
    role.ready({ http: server.url, verifierKey })
  },
})
