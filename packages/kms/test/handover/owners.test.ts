import { toBase64Url } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { KEY, keyFor, modelRemoval, receiptFor, send } from '../artifacts/asking.ts'
import { signer } from '../world.ts'
import { UpgradeWorld } from './upgrade-world.ts'

const GONE = 'cd'.repeat(16)
const KEPT = 'ab'.repeat(16)
const bear = (version: number) => ({ model: { name: 'bear', version } })

test(
  claim(
    ['T15', 'owner.policy', 'owner.removal'],
    'the next KMS keeps what owners decided: their keys, their policies, what they removed, and in which order',
  ),
  async () => {
    const world = await UpgradeWorld.create()
    await world.admitOwners()
    const own = world.ownerPolicy()
    expect(await send(world, world.artifactImport(KEPT, KEY, { ...own, ...bear(1) }), KEPT)).toBe('none')
    expect(await send(world, world.artifactImport(GONE, KEY, { ...own, ...bear(2) }), GONE)).toBe('none')
    const made = world.now
    const removal = modelRemoval(world, { version: 2 })
    expect(await receiptFor(world, removal)).toEqual({ destroyed: [GONE], shared: [], newer: [] })
    const withheld = world.artifactImport(KEPT, KEY, bear(1))
    const { importKey } = world.kms.view.boot.own.binding

    await world.boot(await world.take())

    expect(await keyFor(world)).toBe(toBase64Url(KEY))
    expect(world.kms.view.boot.own.binding.importKey).not.toBe(importKey)
    expect(await send(world, withheld, KEPT), 'wrapped to the old KMS').toBe('KMS_REQUEST_MALFORMED')
    const older = world.artifactImport(KEPT, KEY, { ...bear(1), createdAt: made - 2 })
    expect(await send(world, older, KEPT), 'an older one, wrapped to the new').toBe('KMS_ARTIFACT_REPLAY')
    const before = world.artifactImport('ef'.repeat(16), KEY, { ...bear(2), createdAt: made })
    expect(await send(world, before, 'ef'.repeat(16)), 'of what was removed').toBe('KMS_ARTIFACT_REMOVED')
    expect(await send(world, world.artifactImport(GONE, KEY, bear(3)), GONE)).toBe('KMS_ARTIFACT_REMOVED')
    expect(await receiptFor(world, removal)).toEqual({ destroyed: [GONE], shared: [], newer: [] })
    // The list of owners is what members decided, and nobody else.
    expect(await send(world, world.artifactImport(KEPT, KEY, {}, signer(51)), KEPT)).toBe('KMS_OWNER_UNKNOWN')
    expect(await receiptFor(world, modelRemoval(world))).toEqual({
      destroyed: [KEPT, GONE],
      shared: [],
      newer: [],
    })
    expect(await keyFor(world)).toBe('KMS_NOT_ADMITTED')
  },
)
