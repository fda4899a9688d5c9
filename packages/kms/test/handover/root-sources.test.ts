import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openShare, resealShare } from '@sotto/protocol/custody'
import { HANDOVER_RECEIPT_TYPE } from '@sotto/protocol/handover'
import { createLogClient } from '@sotto/serve/log-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { createClock } from '../../src/clock/index.ts'
import { takeOver } from '../../src/handover/index.ts'
import { azureManagedHsmSource } from '../../src/root/azure-managed-hsm/index.ts'
import {
  custodianSource,
  type KmsRoot,
  type RecoveryCeremony,
  type RootSource,
  type RootTools,
} from '../../src/root/index.ts'
import { Azure } from '../root/azure-managed-hsm/azure.ts'
import { acknowledgement, createCustodians, newestSet, sharingOf } from '../root/custodians.ts'
import { Enclave } from '../world.ts'
import { UpgradeWorld } from './upgrade-world.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-handover-'))
})
afterEach(() => rm(folder, { recursive: true }))

const path = (name: string): string => join(folder, `${name}.json`)
const patience = { signal: new AbortController().signal, onRetry: () => undefined }

/** What a start of this process obtains from a source. */
async function obtain(world: UpgradeWorld, source: RootSource, change: Partial<RootTools>): Promise<KmsRoot> {
  const host = { wall: () => world.now * 1000, monotonic: () => world.now * 1000 }
  const obtained = await source.obtain({
    hardware: world.hardware,
    clock: createClock(host),
    openLog: () =>
      createLogClient({
        ...world.config.log,
        witnesses: world.config.witnesses,
        appendToken: world.log.token,
        fetch: world.log.fetch,
      }),
    expectGenesis: undefined,
    onWaiting: () => undefined,
    ...patience,
    ...change,
  })
  return { source, obtained: obtained! }
}

/** The next KMS takes over into `source`, and starts; gives the old one. */
async function upgradeInto(world: UpgradeWorld, source: RootSource): Promise<UpgradeWorld['kms']> {
  const old = world.kms
  const obtained = await takeOver(source, world.tools(), patience)
  expect(obtained?.handedOver?.keys).toHaveLength(2)
  world.config = world.tools().config
  world.hardware = world.tools().hardware
  world.root = { source, obtained: obtained! }
  await world.start()
  return old
}

async function keysOf(world: UpgradeWorld): Promise<unknown> {
  const enclave = new Enclave(world.workload)
  const request = await enclave.request(world)
  return enclave.open(request, await world.kms.release(request), world.genesis).keys
}

test(
  claim(
    'T15',
    'a handover among KMS with custodians: nobody is asked for a share, and the same ones bring it back',
  ),
  async () => {
    const custodians = createCustodians(3)
    const sharing = sharingOf(2, custodians)
    const world = new UpgradeWorld()
    const source = custodianSource(path('old'), sharing)
    world.root = await obtain(world, source, {})
    await world.start()
    const set = newestSet(world)
    for (const custodian of custodians.slice(0, 2))
      await world.kms.acknowledgeShare(acknowledgement(set, custodian))
    await world.admit({ image: 'f6'.repeat(32), hostData: 'e5'.repeat(32) }, 2)
    const keys = await keysOf(world)

    const next = custodianSource(path('next'), sharing)
    const old = await upgradeInto(world, next)
    expect(await keysOf(world)).toEqual(keys)
    await expect(old.tick()).rejects.toMatchObject({ code: 'KMS_FENCED' })
    expect(world.logged(HANDOVER_RECEIPT_TYPE)).toHaveLength(1)
    expect(newestSet(world), 'no new shares: it is the same secret').toEqual(set)

    // Killed: the next start finds in its own folder which genesis it is of, and waits for custodians.
    const { resolve, promise } = Promise.withResolvers<RecoveryCeremony>()
    const obtaining = obtain(world, next, { onWaiting: resolve })
    const ceremony = await promise
    for (const { name, keys: own } of custodians.slice(1)) {
      const sealed = set.shares.find(({ custodian }) => custodian === name)!
      const { checkpoint: _checkpoint, ...session } = ceremony.document.binding
      ceremony.submit(resealShare(set, openShare(set, sealed, own.wrap), session, false))
    }
    world.root = await obtaining
    await world.start()
    expect(world.kms.readiness()).toEqual({ ready: true })
  },
)

test(
  claim(
    'T15',
    'a handover among KMS on an HSM: the next one keeps the secret under what the HSM released to it',
  ),
  async () => {
    const azure = await Azure.start()
    try {
      const source = (name: string): RootSource =>
        azureManagedHsmSource(path(name), azure.key, azure.hardware(), azure.network)
      const world = new UpgradeWorld()
      world.root = await obtain(world, source('old'), {})
      await world.start()
      await world.admit({ image: 'f6'.repeat(32), hostData: 'e5'.repeat(32) }, 2)
      const keys = await keysOf(world)

      // The HSM does not answer at first: nothing is fenced, and it can be tried again.
      const next = source('next')
      const obtained = (await takeOver(next, world.tools(), patience))!
      azure.faults.set('keys', (request, response) => {
        if (request.headers.authorization === undefined) return false
        response.writeHead(503, { 'retry-after': '0' }).end('{}')
        return true
      })
      const { kms: old } = world
      world.config = world.tools().config
      world.hardware = world.tools().hardware
      world.root = { source: next, obtained }
      await expect(world.start()).rejects.toMatchObject({
        code: 'KMS_HSM_UNAVAILABLE',
        action: 'retry',
      })
      await old.tick()
      expect(old.readiness()).toEqual({ ready: true })
      azure.faults.clear()
      await world.start()
      expect(await keysOf(world)).toEqual(keys)
      await expect(old.tick()).rejects.toMatchObject({ code: 'KMS_FENCED' })

      // Killed: the HSM leads back to it.
      world.root = await obtain(world, source('next'), {})
      await world.start()
      expect(world.kms.readiness()).toEqual({ ready: true })
    } finally {
      azure.close()
    }
  },
)

test('a handover into a source with nowhere to keep the secret is refused before anything is asked', async () => {
  const azure = await Azure.start()
  try {
    const world = await UpgradeWorld.create()
    const nowhere = azureManagedHsmSource(undefined, azure.key, azure.hardware(), azure.network)
    await expect(takeOver(nowhere, world.tools(), patience)).rejects.toMatchObject({
      code: 'KMS_ROOT_FILE',
      action: 'fix-input',
    })
    expect(world.logged(HANDOVER_RECEIPT_TYPE)).toEqual([])
  } finally {
    azure.close()
  }
})
