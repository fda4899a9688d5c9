import { createLogReader, followLog, type Alert } from '@sotto/client/monitor'
import { expect, test } from 'vitest'
import {
  acknowledgement,
  createCustodians,
  newestSet,
  sharingOf,
} from '../../packages/kms/test/root/custodians.ts'
import { PersistentRoot } from '../../packages/kms/test/root/persistent-root.ts'
import { UpgradeWorld } from '../../packages/kms/test/handover/upgrade-world.ts'
import { Enclave, KMS_IMAGE, seed } from '../../packages/kms/test/world.ts'
import { Party, token } from '../spending/party.ts'

/** Everything a monitor says of this world's log, and the kinds of entries it read. */
async function watch(world: UpgradeWorld): Promise<{ alerts: Alert[]; counts: Record<string, number> }> {
  const alerts: Alert[] = []
  let stored: string | undefined
  const { counts } = await followLog({
    log: {
      origin: world.log.origin,
      key: world.log.key,
      witnesses: {
        keys: world.log.witnessKeys.map((key, n) => ({ key, organisation: `org-${n}`, operator: false })),
        quorum: 2,
        allowOperatorWitnesses: false,
      } as never,
      checkpointMaxAgeSeconds: 3600,
    },
    expect: {
      genesis: world.genesis,
      revoked: [],
      minSecurityVersion: { kms: 1, inference: 1 },
      maxBootsPerDay: 16,
    },
    reader: createLogReader(new URL('http://log.test/log'), (input, init) =>
      world.log.fetch(String(input), init),
    ),
    store: { load: async () => stored, save: async (text) => void (stored = text) },
    now: () => world.now,
    onAlert: (alert) => void alerts.push(alert),
    onSplitView: async () => undefined,
  })
  return { alerts, counts: Object.fromEntries(counts) }
}

test('a KMS that lives, is handed over, replaces its root key and its custodians raises no alert', async () => {
  const [custodians, successors] = [createCustodians(2), createCustodians(3, 'successor')]
  const world = new UpgradeWorld()
  const sharing = sharingOf(2, custodians)
  world.root = new PersistentRoot(seed(55), sharing).obtain()
  await world.start()
  const acknowledge = async (by: typeof custodians): Promise<void> => {
    for (const custodian of by) await world.kms.acknowledgeShare(acknowledgement(newestSet(world), custodian))
  }
  await acknowledge(custodians)
  // In the log before its successor is, as releases are.
  world.logRelease({ image: KMS_IMAGE, hostData: 'd4'.repeat(32) }, { role: 'kms' })
  await world.admit({ image: 'f6'.repeat(32), hostData: 'e5'.repeat(32) }, 2)
  const enclave = new Enclave(world.workload)
  await world.kms.release(await enclave.request(world))

  // Handed over; what the next one keeps its secret in has the same custodians.
  Object.assign(world, { nextRoot: new PersistentRoot(seed(1), sharing) })
  await world.boot(await world.take())
  await world.kms.release(await new Enclave(world.workload).request(world))

  await world.decide(world.draft('rotate-root', { generation: 1 }))
  await world.kms.tick()
  await acknowledge(custodians)
  await world.kms.tick()
  await world.decide(world.draft('custodians', sharingOf(2, successors)))
  await world.kms.tick()
  await acknowledge(successors)
  await world.rotate()
  world.root = world.nextRoot.obtain()
  await world.start()

  const { alerts, counts } = await watch(world)
  expect(alerts).toEqual([])
  expect(counts).toMatchObject({
    'share set': 3,
    'root succession': 1,
    'handover receipt': 1,
    'KMS certificate': 4,
  })
  expect(counts['other']).toBeUndefined()
})

test('a KMS that spends tokens, is killed, and ends raises no alert', async () => {
  const party = await Party.open()
  const [a, b] = [await party.gateway(), await party.gateway()]
  await a.spend(token(party.world))
  await b.spend(token(party.world))
  await party.restart()
  await a.set.tick().catch(() => undefined)
  await b.set.tick()
  await a.set.tick()
  await a.spend(token(party.world))
  await party.world.kms.spending.close()
  await party.restart()
  const { alerts, counts } = await watch(party.world as UpgradeWorld)
  expect(alerts).toEqual([])
  expect(counts['spend roster']).toBeGreaterThan(1)
  expect(counts['other']).toBeUndefined()
})
