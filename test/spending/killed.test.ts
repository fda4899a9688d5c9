import { afterEach, it } from 'vitest'
import { KmsProcess } from '../../packages/kms/test/process/launcher.ts'
import { claim } from '../claims.ts'
import { begin, raceWhileKilled } from './killing.ts'

let kms: KmsProcess | undefined
afterEach(() => kms?.remove())

it(
  claim('T12', 'two gateways race every token while the KMS is killed, again and again: one lets it in'),
  { timeout: 180_000 },
  async () => {
    const running = (kms = await KmsProcess.create())
    await begin(running)
    await raceWhileKilled(running, {
      rounds: 2,
      async restart() {
        await running.end('SIGKILL')
        await running.start()
      },
    })
  },
)
