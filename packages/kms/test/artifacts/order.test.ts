import { toBase64Url } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { MAX_REMOVED_MODELS, withRemovedModel } from '../../src/artifacts/removed.ts'
import { EMPTY_STATE } from '../../src/state/index.ts'
import { seed, World } from '../world.ts'
import { admitWorkloads, ID, KEY, keyFor, OTHER, send } from './asking.ts'

test(
  claim(
    ['owner.policy', 'T13'],
    'a withheld import does not bring back a laxer policy of its owner, after no start',
  ),
  async () => {
    const world = await World.withOwner()
    await admitWorkloads(world, world.workload, OTHER)
    const both = world.ownerPolicy({ anyOf: [world.tuple(), world.tuple(OTHER)] })
    const withheld = world.artifactImport(ID, KEY, both)
    expect(await send(world, world.artifactImport(ID, KEY, world.ownerPolicy()))).toBe('none')
    expect(await keyFor(world, OTHER)).toBe('KMS_NOT_ADMITTED')
    expect(await send(world, withheld)).toBe('KMS_ARTIFACT_REPLAY')
    await world.start()
    const older = world.artifactImport(ID, KEY, { ...both, createdAt: world.now - 1 })
    expect(await send(world, older), 'wrapped to the import key of this start').toBe('KMS_ARTIFACT_REPLAY')
    expect(await keyFor(world, OTHER)).toBe('KMS_NOT_ADMITTED')
    expect(await keyFor(world)).toBe(toBase64Url(KEY))
    expect(await send(world, world.artifactImport(ID, KEY, both)), 'a later choice').toBe('none')
    expect(await keyFor(world, OTHER)).toBe(toBase64Url(KEY))
  },
)

test('of one second there is one choice: the same again, also wrapped again, changes nothing', async () => {
  const world = await World.withOwner()
  const own = world.ownerPolicy()
  const first = world.artifactImport(ID, KEY, own)
  const createdAt = world.now
  expect(await send(world, first)).toBe('none')
  const { appends } = world.log
  expect(await send(world, first), 'the very same').toBe('none')
  expect(await send(world, world.artifactImport(ID, KEY, { ...own, createdAt })), 'wrapped again').toBe(
    'none',
  )
  expect(world.log.appends, 'no change, no entry').toBe(appends)
  const other = world.ownerPolicy({ evidenceMaxAgeSeconds: 60 })
  expect(await send(world, world.artifactImport(ID, KEY, { ...other, createdAt }))).toBe(
    'KMS_ARTIFACT_REPLAY',
  )
  expect(await send(world, world.artifactImport(ID, seed(9), { ...own, createdAt }))).toBe(
    'KMS_ARTIFACT_REPLAY',
  )
})

test(claim('T13', 'no import or removal of a key is taken that was made in the future'), async () => {
  const world = await World.withOwner()
  const ahead = (seconds: number) => ({ createdAt: world.now + seconds })
  // Making one takes a second of this world.
  expect(await send(world, world.artifactImport(ID, KEY, ahead(12)))).toBe('KMS_STATEMENT_TIME')
  expect(await send(world, world.artifactImport(ID, KEY, ahead(11)))).toBe('none')
  const removal = world.artifactRemoval(ID, ahead(11))
  expect(await world.refusal(`/v1/artifacts/${ID}/key`, removal, 'DELETE')).toBe('KMS_STATEMENT_TIME')
  expect(world.kms.view.state.artifacts.has(ID)).toBe(true)
})

test('removals of models are bounded: what is too much to keep refuses more, and never less', () => {
  const removal = (n: number, importKey = 'now') => ({ name: `m${n}`, version: 1, createdAt: n, importKey })
  let state = EMPTY_STATE
  for (let n = 1; n <= MAX_REMOVED_MODELS; n++) state = withRemovedModel(state, 'o', removal(n))
  expect(state.removedModels.get('o')).toHaveLength(MAX_REMOVED_MODELS)
  const again = withRemovedModel(state, 'o', { ...removal(5), version: 'all', createdAt: 1000 })
  expect(again.removedModels.get('o'), 'one that covers another takes its place').toHaveLength(
    MAX_REMOVED_MODELS,
  )
  const full = withRemovedModel(state, 'o', removal(999))
  expect(full.removedModels.get('o')).toEqual([{ version: 'all', createdAt: 999, importKey: 'now' }])
  const restarted = withRemovedModel(state, 'o', removal(999, 'of another start'))
  expect(restarted.removedModels.get('o')).toEqual([removal(999, 'of another start')])
})
