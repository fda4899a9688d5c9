import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { azureManagedHsmSource } from '../../../src/root/azure-managed-hsm/index.ts'
import { deriveRoot, type KmsRoot, type RootTools } from '../../../src/root/index.ts'
import type { HsmKey } from '../../../src/root/types.ts'
import { seed, World } from '../../world.ts'
import { Azure } from './azure.ts'
import { newVersion } from './fake-hsm.ts'

let azure: Azure
let folder: string
beforeEach(async () => {
  azure = await Azure.start()
  folder = await mkdtemp(join(tmpdir(), 'sotto-hsm-'))
})
afterEach(async () => {
  azure.close()
  await rm(folder, { recursive: true })
})

/** As a start obtains it, on a chip of its own. */
async function rootOf(change: Partial<HsmKey> = {}): Promise<KmsRoot> {
  const key = { ...azure.key, ...change }
  const source = azureManagedHsmSource(join(folder, 'root.json'), key, azure.hardware(), azure.network)
  const tools = { signal: new AbortController().signal, onRetry: () => undefined }
  return { source, obtained: (await source.obtain(tools as unknown as RootTools))! }
}

test('a KMS lives on its HSM: it starts again, has a new root key, and moves to another version of the key', async () => {
  const world = new World()
  world.root = await rootOf()
  await world.start()
  await world.acceptPolicy(world.proposal())
  const { genesis } = world
  const first = deriveRoot(world.root.obtained.secrets[0]!).rootKey

  world.root = await rootOf()
  await world.start()
  expect([world.genesis, world.rootKeys.rootKey]).toEqual([genesis, first])

  await world.decide(world.draft('rotate-root', { generation: 1 }))
  await world.kms.tick()
  const second = world.rootKeys.rootKey
  expect(second).not.toBe(first)
  expect(world.kms.view.state.roots).toHaveLength(1)

  const keyVersion = newVersion()
  azure.addVersion(keyVersion, seed(3))
  world.root = await rootOf({ keyVersion, previousKeyVersion: azure.key.keyVersion })
  await world.start()
  azure.hsm.versions.delete(`root/${azure.key.keyVersion}`)
  world.root = await rootOf({ keyVersion })
  await world.start()
  expect([world.genesis, world.rootKeys.rootKey]).toEqual([genesis, second])
  expect(world.kms.view.state.policy).toBeDefined()
})

test('a KMS with the key of another HSM is not this one', async () => {
  const world = new World()
  world.root = await rootOf()
  await world.start()
  azure.addVersion(azure.key.keyVersion, seed(4))
  world.root = await rootOf()
  await expect(world.start()).rejects.toMatchObject({ code: 'KMS_ROOT_MISMATCH', action: 'stop' })
})
