import { fromHex } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { payloadOf, World } from './world.ts'

test('a KMS does not start with a configuration that contradicts its genesis', async () => {
  const world = await World.ready()
  for (const change of [
    { threshold: 1 },
    { name: 'other' },
    { releaseKeys: [Buffer.alloc(32, 5).toString('base64url')] },
  ]) {
    const other = new World(change)
    const config = world.config
    world.config = { ...other.config, log: config.log, witnesses: config.witnesses }
    await expect(world.start()).rejects.toMatchObject({
      code: 'KMS_GENESIS_MISMATCH',
      found: Object.keys(change)[0],
    })
    world.config = config
  }
})

test('the genesis is what the configuration says, signed by a root key that never leaves', async () => {
  const world = await World.ready()
  const genesis = payloadOf<Record<string, unknown>>(world.kms.view.state.identity!.genesis.envelope)
  expect(genesis).toMatchObject({
    name: 'test',
    threshold: 2,
    createdAt: world.now,
    log: { origin: world.log.origin },
  })
  const root = Buffer.from(world.rootKeys.signer.secretSeed).toString('base64url')
  for (const path of ['/v1/genesis', '/v1/keys', '/readyz'])
    expect((await world.call(path)).text).not.toContain(root)
  expect(fromHex(world.genesis)).toHaveLength(32)
})
