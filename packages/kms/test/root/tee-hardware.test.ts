import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crypto } from '@sotto/protocol/crypto-backend'
import { utf8 } from '@sotto/protocol/bytes'
import type { TrustedHardware } from '@sotto/serve/tee'
import { openHardware } from '@sotto/serve/tee-hardware'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { deriveRoot } from '../../src/root/index.ts'
import { teeSource } from '../../src/root/tee.ts'
import { openStore } from '../../src/store/index.ts'
import { World } from '../world.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sotto-tee-root-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A guest of SEV-SNP whose secure processor derives this key; evidence is the world's. */
async function guest(key: Uint8Array, world: World): Promise<TrustedHardware> {
  const helper = join(folder, 'snp-derive-key')
  writeFileSync(`${helper}.key`, key)
  writeFileSync(helper, `#!/bin/sh\ncat '${helper}.key'\n`)
  chmodSync(helper, 0o755)
  const findings = [{ source: 'sev-snp' as const, title: 'SNP', status: 'ready' as const, why: 'model' }]
  const { deriveSealingKey } = await openHardware({ findings, sealingHelper: helper, env: {} })
  return { ...world.hardware, deriveSealingKey }
}

/** A process of a KMS, from its root secret on, as `run.ts` puts it together. */
async function boot(world: World, hardware: TrustedHardware): Promise<() => Promise<void>> {
  const source = teeSource(join(folder, 'root.json'), hardware)
  const obtained = (await source.obtain(undefined as never))!
  const sealingKeys = obtained.secrets.map((secret) => deriveRoot(secret).sealingKey())
  const access = await openStore(folder, { sealingKeys, env: {} })
  try {
    world.store = (await access.acquire(new AbortController().signal))!.store
    world.root = { source, obtained }
    world.hardware = hardware
    await world.start()
  } catch (error) {
    await access.close()
    throw error
  }
  return () => access.close()
}

test(claim('T7', 'a KMS on SEV-SNP opens its store again, and no other measurement does'), async () => {
  const world = new World()
  const own = await guest(crypto.sha256(utf8('this measurement')), world)
  let close = await boot(world, own)
  await world.acceptPolicy(world.proposal())
  const genesis = world.genesis
  await close()

  close = await boot(world, own)
  expect(world.genesis).toBe(genesis)
  expect(world.kms.readiness()).toEqual({ ready: true })
  await close()

  const other = await guest(crypto.sha256(utf8('another measurement')), world)
  await expect(boot(world, other)).rejects.toMatchObject({ code: 'KMS_STORE_SEALED', action: 'stop' })
  // Nothing was lost by the attempt.
  close = await boot(world, await guest(crypto.sha256(utf8('this measurement')), world))
  expect(world.genesis).toBe(genesis)
  await close()
})

test('a root secret that was rotated lies in a file that this measurement alone opens', async () => {
  const world = new World()
  const own = await guest(crypto.sha256(utf8('this measurement')), world)
  const close = await boot(world, own)
  await world.acceptPolicy(world.proposal())
  const before = world.root.obtained.secrets[0]!.slice()
  await world.decide(world.draft('rotate-root', { generation: 1 }))
  await world.kms.tick()
  await close()
  await (
    await boot(world, own)
  )()
  expect(world.root.obtained.secrets[0]).not.toEqual(before)
  const other = await guest(crypto.sha256(utf8('another measurement')), world)
  await expect(boot(world, other)).rejects.toMatchObject({ code: 'KMS_STORE_SEALED' })
})
